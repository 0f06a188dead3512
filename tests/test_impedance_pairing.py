"""Spectra placed in the test they belong to: by one file, by start times, and never by a guess."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cycler_traces import PLATING, Part, plate_and_strip, trace
from mossy.analysis import cycler_steps
from mossy.analysis.impedance_pairing import along, pair
from mossy.errors import InputError
from mossy.records import Cycling, Impedance

FREQUENCY = np.geomspace(1e4, 1.0, 13)
CYCLE = 3600.0 + 300.0 + 0.98 * 3600.0 + 300.0
"""s of a cycle of `plate_and_strip`: an hour of plating, a rest, the strip, a rest."""


def spectrum(start: float, *, size: float = 50.0, table: dict[str, Any] | None = None, **metadata: Any) -> Impedance:
    """A spectrum of 24 s from a moment on: 5 ohm and an arc of a size."""
    z = 5.0 + size / (1.0 + 2j * np.pi * FREQUENCY * 2e-3)
    columns = {"frequency_hertz": FREQUENCY, "real_impedance_ohm": z.real, "imaginary_impedance_ohm": z.imag}
    columns["test_time_second"] = start + np.linspace(0.0, 24.0, len(FREQUENCY))
    return Impedance(pl.DataFrame(columns | (table or {})), metadata)


def cell(**metadata: Any) -> Cycling:
    return trace(plate_and_strip(4), roles=PLATING, cell_kind="substrate", **metadata)


def test_every_part_of_a_cycle_is_recognised():
    """One file: half-way through plating, at the rest after it, half-way through stripping, at the rest after that."""
    moments = [2 * CYCLE + each for each in (1800.0 - 12.0, 3700.0, 3900.0 + 1764.0 - 12.0, CYCLE - 100.0)]
    spectra = [spectrum(each, source_path="one") for each in moments]
    found = pair(spectra, cell(source_path="one", electrode_area_square_metre=2e-4))
    assert found["clock"].unique().to_list() == ["one file"]
    assert found["not_placed"].null_count() == 4
    assert found["cycle"].to_list() == [3, 3, 3, 3]
    assert found["half_cycle"].to_list() == [4, 4, 5, 5]
    assert found["direction"].to_list() == [1, 1, -1, -1]
    assert found["state"].to_list() == ["under current", "rest", "under current", "rest"]
    assert found["direct_current_ampere"].to_list() == [-1e-3, 0.0, 1e-3, 0.0]
    # mAh: half an hour at 1 mA, all that was plated, half of 0.98 mAh, all of it; a row of 60 s is 1/60 mAh
    assert found["half_cycle_capacity_mAh"].to_numpy() == pytest.approx([0.5, 1.0, 0.49, 0.98], abs=1.0 / 60.0)
    assert found["half_cycle_capacity_mAh_per_cm2"].to_numpy() == pytest.approx(
        found["half_cycle_capacity_mAh"].to_numpy() / 2.0
    )
    passed = 2 * 1.98 + np.array([0.5, 1.0, 1.49, 1.98])
    assert found["passed_capacity_mAh"].to_numpy() == pytest.approx(passed, abs=1.0 / 60.0)
    assert found["test_time_second"].to_numpy() == pytest.approx(np.array(moments) + 12.0)
    assert found["duration_second"].to_list() == pytest.approx([24.0] * 4)


def test_steps_that_are_known_are_used():
    record = cell(source_path="one")
    steps = cycler_steps.of(record)
    spectra = [spectrum(100.0, source_path="one")]
    assert pair(spectra, record, steps).equals(pair(spectra, record))


def test_start_times_of_two_files_shift_the_clock():
    """The spectra's file begins two hours after the record's: their 1800 s are 9000 s there, in the second cycle."""
    record = cell(source_path="one", start_time="2025-07-30T09:00:00")
    late = spectrum(1800.0, source_path="other", start_time="2025-07-30T11:00:00.500")
    found = pair([late], record)
    assert found["test_time_second"][0] == pytest.approx(1800.0 + 12.0 + 7200.5)
    assert (found["clock"][0], found["cycle"][0], found["half_cycle"][0]) == ("start times", 2, 2)


def test_linked_techniques_share_a_start_time_and_count_one_time():
    record = cell(source_path="01", start_time="2025-07-30T09:00:00")
    found = pair([spectrum(9000.0, source_path="02", start_time="2025-07-30T09:00:00")], record)
    assert (found["clock"][0], found["test_time_second"][0]) == ("one start time", pytest.approx(9012.0))


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({}, {"start_time": "2025-07-30T09:00:00"}, "it has no start time"),
        ({"start_time": "2025-07-30T09:00:00"}, {}, "the record has no start time"),
        ({}, {}, "neither it nor the record has a start time"),
        ({"start_time": "yesterday"}, {"start_time": "2025-07-30T09:00:00"}, "it has no start time"),
        ({"start_time": "2025-07-30T09:00:00Z"}, {"start_time": "2025-07-30T09:00:00"}, "a time zone"),
    ],
)
def test_what_cannot_be_placed_says_why(one: dict[str, str], other: dict[str, str], reason: str):
    spectra = [spectrum(1800.0, source_path="a", **one)]
    found = pair(spectra, cell(source_path="b", **other))
    assert reason in found["not_placed"][0]
    assert found.select("test_time_second", "cycle", "half_cycle", "state").row(0) == (None,) * 4
    stated = pair(spectra, cell(source_path="b", **other), offset_second=0.0)
    assert stated.select("clock", "cycle", "not_placed").row(0) == ("stated", 1, None)


def test_a_spectrum_outside_the_record_has_a_time_and_no_step():
    record = cell(source_path="one")
    found = pair([spectrum(10.0 * CYCLE, source_path="one")], record)
    assert found["test_time_second"][0] == pytest.approx(10.0 * CYCLE + 12.0)
    assert "after the last row" in found["not_placed"][0]
    assert found["cycle"][0] is None
    # one that follows the last row at once belongs to what ended there
    close = pair([spectrum(4.0 * CYCLE + 1.0, source_path="one")], record)
    assert close.select("cycle", "half_cycle", "not_placed").row(0) == (4, 7, None)


def test_the_spectrum_s_own_current_voltage_and_temperature_come_first():
    own = {"current_ampere": np.full(13, -0.2e-3), "voltage_volt": np.full(13, -0.01)}
    found = pair([spectrum(3700.0, table=own, source_path="one", temperature_celsius=40.0)], cell(source_path="one"))
    assert found.select("state", "direct_current_ampere", "direct_voltage_volt", "temperature_celsius").row(0) == (
        *("under current", -0.2e-3, -0.01, 40.0),
    )


def test_the_record_s_temperature_beside_the_spectrum():
    record = cell(source_path="one")
    warm = record.table.with_columns(ambient_temperature_celsius=20.0 + pl.col("test_time_second") / 3600.0)
    found = pair([spectrum(7200.0, source_path="one")], Cycling(warm, record.metadata))
    assert found["temperature_celsius"][0] == pytest.approx(22.0, abs=0.02)  # a row of 60 s


def test_without_a_record_or_without_a_current_there_are_times_and_no_steps():
    spectra = [spectrum(100.0), spectrum(200.0)]
    found = pair(spectra)
    assert found["test_time_second"].to_list() == pytest.approx([112.0, 212.0])
    assert found["not_placed"].unique().to_list() == ["there is no cycling record"]
    bare = Cycling(cell().table.drop("current_ampere"), {})
    assert "no current" in pair(spectra, bare, offset_second=0.0)["not_placed"][0]
    timeless = Impedance(spectra[0].table.drop("test_time_second"), {})
    assert pair([timeless], cell(), offset_second=0.0)["not_placed"][0] == "the spectrum has no times"


def test_quantities_along_the_test():
    """Arcs of 50, 60, ... ohm; f of 1 Hz to 10 kHz see all but (w tau)^2 of it at the low end."""
    spectra = [spectrum(k * CYCLE + 3700.0, size=50.0 + 10.0 * k, source_path="one") for k in range(4)]
    pairs = pair(spectra, cell(source_path="one"))
    spans = along(pairs, spectra, "span", against="cycle")
    assert spans.columns == ["spectrum", "cycle", "value"]
    assert spans["cycle"].to_list() == [1, 2, 3, 4]
    sizes = 50.0 + 10.0 * np.arange(4)
    expected = sizes * (1.0 / (1.0 + (2.0 * np.pi * 2e-3) ** 2) - 1.0 / (1.0 + (2.0 * np.pi * 20.0) ** 2))
    assert spans["value"].to_numpy() == pytest.approx(expected, rel=1e-12)
    low, high = (along(pairs, spectra, name)["value"].to_numpy() for name in ("low", "high"))
    assert low - high == pytest.approx(expected, rel=1e-12)
    counted = along(pairs, spectra, lambda each: float(each.table.height), against="passed_capacity_mAh")
    assert counted["value"].to_list() == [13.0] * 4


def test_bad_input_is_refused():
    one = spectrum(0.0)
    with pytest.raises(InputError, match="no spectrum"):
        pair([])
    with pytest.raises(InputError, match="offset"):
        pair([one], offset_second=float("nan"))
    pairs = pair([one])
    with pytest.raises(InputError, match="'spam' is no quantity"):
        along(pairs, [one], "spam")
    with pytest.raises(InputError, match="'cycles' is no column; did you mean 'cycle'"):
        along(pairs, [one], against="cycles")
    with pytest.raises(InputError, match="1 rows for 2 spectra"):
        along(pairs, [one, one])
    elsewhere = Impedance(one.table.with_columns(pl.col("frequency_hertz") * 1e6), {})
    with pytest.raises(InputError, match="share no range"):
        along(pair([one, elsewhere]), [one, elsewhere])


def test_a_test_with_one_half_cycle_counts_its_charge_up_to_each_spectrum():
    """Plated one way with a pause for each spectrum, as in operando impedance: the charge grows, the cycle stays 1."""
    record = trace([Part(-4e-4, 3600.0), Part(0.0, 30.0)] * 5, roles=PLATING, cell_kind="symmetric", source_path="one")
    spectra = [spectrum(3603.0 + k * 3630.0, source_path="one") for k in range(5)]
    found = pair(spectra, record)
    assert found["half_cycle"].to_list() == [0] * 5
    assert found["half_cycle_capacity_mAh"].to_numpy() == pytest.approx(0.4 * np.arange(1, 6), rel=1e-9)
    assert found["state"].unique().to_list() == ["rest"]
