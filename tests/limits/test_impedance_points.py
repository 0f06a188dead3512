"""Impedance is taken where the step that was asked for ended, whatever ended it."""

from __future__ import annotations

import pytest

from cells_for_tests import case
from mossy.case import parse_case, run
from mossy.errors import InputError


def spectra(steps, at):
    given = case(steps)
    table = type(given).model_fields["impedance"].annotation.__args__[0]
    impedance = table(at=at, frequencies="1 kHz to 1 Hz, 1 per decade")
    return run(given.model_copy(update={"impedance": impedance})).spectra


def test_a_pulse_that_a_voltage_ends_still_has_its_impedance():
    steps = [
        "plate 1 mA/cm^2 for 10 s",
        "pulse 100 mA/cm^2 10 s on 10 s off for 10 min or until -0.1 V",
        "rest for 1 min",
    ]
    found = spectra(steps, ["cycle 1 step 2", "cycle 1 step 2 during", "end"])
    assert [each.label for each in found] == ["cycle 1 step 2", "cycle 1 step 2 during", "end"]
    assert found[0].time == found[1].time < 11.0
    assert found[2].time == pytest.approx(found[0].time + 60.0)


def test_the_end_of_a_run_whose_last_step_an_event_ends():
    found = spectra(
        ["plate 1 mA/cm^2 for 10 s", "pulse 100 mA/cm^2 10 s on 10 s off for 10 min or until -0.1 V"], ["end"]
    )
    assert [each.label for each in found] == ["end"]
    assert found[0].time < 11.0


def test_the_number_of_nodes_is_a_number():
    with pytest.raises(InputError, match="whole number"):
        parse_case({"numerics": {"nodes": "50"}, "protocol": {"steps": ["rest for 1 h"]}})
