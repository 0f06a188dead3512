"""Li | PEO-LiTFSI | Li: the solvent's velocity, measured beside the profiles, to which nothing was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mossy
from conftest import PROJECT

POSITIONS = ("0.95", "1.30", "1.65", "2.00", "2.35")
"""mm from the stripped electrode: the files' names."""
TRANSFERENCE = "electrolyte.transference_number.coefficients"


def test_the_solvent_moves_as_measured(mossy_data: Path, monkeypatch: pytest.MonkeyPatch):
    """With the source's own t+ = -0.0376 - 0.474 (c - c0)/c0, at five positions over ten hours (h, nm/s)."""
    monkeypatch.setenv("MOSSY_DATA", str(mossy_data))
    case = mossy.load_case(PROJECT / "examples" / "peo_litfsi.toml")
    case = case.with_value(f"{TRANSFERENCE}.0", -0.0376).with_value(f"{TRANSFERENCE}.1", -0.474)
    run = mossy.run(case)
    assert run.status is mossy.Status.DONE
    modelled, measured = [], []
    for position in POSITIONS:
        time, velocity = np.loadtxt(mossy_data / "peo_litfsi_profiles" / f"x={position}.csv", delimiter=",").T
        profiles = run.profiles_at(np.maximum(time, 0.0) * 3600.0)  # one was read off a little before the start
        shape = (len(time), -1)
        places = profiles["position_um"].to_numpy().reshape(shape)
        velocities = profiles["solvent_velocity_nm_per_second"].to_numpy().reshape(shape)
        modelled += [np.interp(float(position) * 1e3, *each) for each in zip(places, velocities, strict=True)]
        measured += list(velocity)
    assert len(measured) == 98
    misfit = float(np.sqrt(np.mean((np.array(modelled) - measured) ** 2)))
    # 0.42 nm/s here, of velocities that fall from 8 to 13 nm/s in the first hour to 1 nm/s
    assert misfit < 0.6
    assert np.corrcoef(modelled, measured)[0, 1] > 0.98
