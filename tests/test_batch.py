"""A batch is its cells one by one: the same numbers, whoever the neighbours, and a status for each."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

import mossy
from mossy.case import Case, parse_case
from mossy.numerics.status import Status
from mossy.simulate import lanes, workers

CURRENT = "protocol.values.current"
ISOLATED = "working.dead_metal.isolated_fraction"
KINETICS = "working.kinetics.exchange_current_density"


def copper(**others: Any) -> Case:
    return parse_case(
        {
            "cell": {"working": "copper", "counter": "lithium", "electrolyte": "LiPF6 EC:EMC 3:7", "model": "point"},
            "working": {
                "interphase": {"growth": "solvent_diffusion", "solvent_diffusivity": "1e-20 m^2/s"},
                "dead_metal": {"isolated_fraction": 0.02},
            },
            "protocol": {
                "repeat": 3,
                "values": {"current": "1 mA/cm^2"},
                "steps": ["plate {current} for 0.2 mAh/cm^2", "rest for 5 min", "strip {current} until 1 V"],
            },
            "impedance": {
                "at": ["start", "cycle 2 step 1 during", "end"],
                "frequencies": "100 kHz to 1 Hz, 2 per decade",
            },
        }
        | others
    )


VALUES = {ISOLATED: [0.01, 0.05, 0.1], KINETICS: ["0.2 mA/cm^2", "1 mA/cm^2", "5 mA/cm^2"], CURRENT: [0.5, 1.0, 2.0]}


def test_lanes_are_single_runs():
    """To the rounding of another elimination: efficiencies, films, dead metal, voltages, spectra."""
    case = copper()
    batch = mossy.run_batch(case, VALUES)
    assert batch.status.tolist() == [0, 0, 0]
    for lane in range(3):
        isolated, kinetics = VALUES[ISOLATED][lane], 0.1 * [20.0, 100.0, 500.0][lane]
        one: Any = case.with_value(ISOLATED, isolated).with_value(KINETICS, kinetics)
        one = one.model_copy(
            update={"protocol": case.protocol.with_values({"current": f"{VALUES[CURRENT][lane]} mA/cm^2"})}
        )
        one.__dict__.pop("schedule", None)
        run = mossy.run(one)
        row, summary = batch.summary.row(lane, named=True), run.summary
        cycles = batch.cycles.filter(batch.cycles["lane"] == lane)
        wanted = [cycle["coulombic_efficiency"] for cycle in summary["cycles"]]
        assert cycles["coulombic_efficiency"].to_list() == pytest.approx(wanted, rel=1e-7)
        assert row["average_coulombic_efficiency"] == pytest.approx(np.mean(wanted), rel=1e-7)
        assert row["duration_s"] == pytest.approx(summary["duration_s"], rel=1e-8)
        assert row["ended_by"] == summary["cycles"][-1]["end"]
        film, dead = summary["interphase"]["working"], summary["dead_metal"]["working"]
        assert row["working_film_thickness_nm"] == pytest.approx(film["thickness_nm"], rel=1e-8)
        assert row["working_dead_mAh_per_cm2"] == pytest.approx(dead["mAh_per_cm2"], rel=1e-7)
        assert max(row[f"{name}_balance"] for name in ("charge", "salt", "metal")) < 1e-8
        single = run.impedance["real_impedance_ohm_cm2"].to_numpy()
        np.testing.assert_allclose(batch.spectra[lane].real.ravel() * 1e4, single, rtol=1e-5)
        time, voltage = batch.time[lane], batch.voltage[lane]
        known = np.isfinite(time)
        assert abs(known.sum() - len(run.trajectory.rows.segment)) <= 5  # rounding may reject a step here and there
        assert np.all(np.diff(time[known]) >= 0.0)
        assert voltage[known][-1] == pytest.approx(1.0, abs=1e-6)


def test_a_lane_does_not_feel_its_neighbours():
    """Bit by bit, within one shape of batch."""
    case = copper()
    first = mossy.run_batch(case, {ISOLATED: [0.01, 0.02, 0.03, 0.04]})
    other = mossy.run_batch(case, {ISOLATED: [0.3, 0.02, 0.2, 0.0]})
    assert np.array_equal(first.result.final[1], other.result.final[1])
    assert np.array_equal(first.result.rows[1], other.result.rows[1])


def test_a_long_queue_streams_through_few_lanes(monkeypatch: pytest.MonkeyPatch):
    """Lanes of unlike length, more of them than places: each in its own row."""
    monkeypatch.setitem(lanes._WIDEST, "cpu", 4)
    case, fractions = copper(), np.linspace(0.0, 0.9, 21)
    said: list[tuple[int, int]] = []
    batch = mossy.run_batch(case, {ISOLATED: fractions}, progress=lambda done, count: said.append((done, count)))
    assert said[-1] == (21, 21)
    efficiency = batch.summary["last_coulombic_efficiency"].to_numpy()
    film = np.diff(batch.cycles["film_mAh_per_cm2"].to_numpy().reshape(21, 3), axis=1)[:, -1]
    # what the film of the third cycle took, while plating and at rest, is missing from 0.2 mAh/cm2
    np.testing.assert_allclose(efficiency, (1.0 - fractions) * (1.0 - film / 0.2), atol=2e-4)


def test_protocols_of_unlike_length_are_refused():
    case = copper(
        protocol={"values": {"length": "1 h"}, "steps": ["pulse 1 mA/cm^2 1 s on 1 s off for {length}"]},
        impedance=None,
    )
    with pytest.raises(mossy.InputError, match="pieces"):
        mossy.run_batch(case, {"protocol.values.length": ["10 s", "20 s"]})


def test_a_lane_that_fails_costs_the_others_nothing():
    case = copper(numerics={"maximum_steps": 120})
    batch = mossy.run_batch(case, {"working.interphase.solvent_diffusivity": [0.0, 1e-20], ISOLATED: [0.0, np.nan]})
    assert batch.status.tolist() == [int(Status.STEP_LIMIT), int(Status.REFUSED)]
    frame = batch.summary
    assert "maximum_steps" in frame["message"][0]
    assert "finite" in frame["message"][1]
    assert frame["duration_s"][0] > 0.0
    assert frame["working_film_thickness_nm"][1] is None
    assert np.isnan(batch.voltage[1]).all()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "no parameter"),
        ({ISOLATED: [0.1, 0.2], KINETICS: [1.0, 2.0, 3.0]}, "differ in length"),
        ({"working.kinetics.exchange_curent_density": [1.0]}, "exchange_current_density"),
        ({"cell.area": [1e-4]}, "var"),
        ({"numerics.nodes": [20, 40]}, "var"),
        ({"protocol.values.curent": ["1 mA/cm^2"]}, "current"),
        ({ISOLATED: [2.0]}, "no lane can be run"),
        ({"working.interphase.growth": ["none"]}, "var"),
    ],
)
def test_what_cannot_be_varied_is_refused(parameters: dict[str, Any], said: str):
    with pytest.raises(mossy.InputError) as refusal:
        mossy.run_batch(copper(), parameters)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "workers", "said"),
    [
        ([[1e-9], [2e-9]], None, "shape"),
        ([], None, "shape"),
        ([True], None, "no number"),
        ([1j], None, "no number"),
        ([1e-9], 0, "no number of processes"),
        ([1e-9], "2", "no number of processes"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(values: Any, workers: Any, said: str):
    with pytest.raises(mossy.InputError, match=said):
        mossy.run_batch(copper(), {"working.interphase.initial_thickness": values}, workers=workers)


@pytest.mark.parametrize("path", ["numerics.nodes", "cell.model"])
def test_what_decides_the_equations_says_so(path: str):
    with pytest.raises(mossy.InputError, match="which equations"):
        mossy.run_batch(copper(), {path: [20, 30]})


def test_what_is_off_at_one_value_may_be_on_at_another():
    """Dissolution: zero is a value like any other."""
    velocities = [0.0, 1e-13, 3e-13]
    values = {"working.interphase.dissolution.velocity": velocities, "working.interphase.initial_thickness": ["50 nm"]}
    still = copper(working={"interphase": {"growth": "none"}})
    batch = mossy.run_batch(still, values)
    lost = 50.0 - batch.summary["working_film_thickness_nm"].to_numpy()
    np.testing.assert_allclose(lost, np.array(velocities) * batch.summary["duration_s"].to_numpy() * 1e9, rtol=1e-6)


def test_workers_give_what_one_process_gives():
    """To the rounding of another width, in the order of the lanes; one that was killed meanwhile is replaced."""
    case = copper()
    values = {ISOLATED: np.linspace(0.01, 0.1, 5), CURRENT: np.linspace(0.5, 1.0, 5)}
    alone, news = mossy.run_batch(case, values, workers=1), []
    both = mossy.run_batch(case, values, workers=2, progress=lambda done, total: news.append((done, total)))
    assert news[-1] == (5, 5)
    workers._WORKERS[0].kill()
    workers._WORKERS[0].wait()
    for other in (both, mossy.run_batch(case, values, workers=2)):
        assert_frame_equal(alone.summary, other.summary, rel_tol=1e-9, abs_tol=1e-9)
        assert np.allclose(alone.voltage, other.voltage, equal_nan=True, rtol=0.0, atol=1e-7)
    workers.close()


def test_the_share_of_a_worker_that_dies_is_computed_here(monkeypatch: pytest.MonkeyPatch):
    case, values = copper(), {ISOLATED: [0.01, 0.02, 0.03]}
    alone = mossy.run_batch(case, values, workers=1)

    def short_lived(count: int) -> list[Any]:
        return [
            subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(count)
        ]

    monkeypatch.setattr(workers, "_started", short_lived)
    lost = workers.spread("os:getpid", [()], lambda _: None)
    assert isinstance(lost[0], workers.WorkerLost)
    assert_frame_equal(alone.summary, mossy.run_batch(case, values, workers=2).summary, rel_tol=1e-9, abs_tol=1e-9)


def test_what_a_worker_raises_is_told():
    found = workers.spread("mossy.units:nothing", [()], lambda _: None)
    assert isinstance(found[0], workers.WorkerLost)
    assert "nothing" in str(found[0])
    workers.close()
