"""Published retention of Cu||LiFePO4 cells: what efficiency their files can carry, and what they cannot.

P. Ma, R. Kumar, K.-H. Wang, C. V. Amanchukwu, Nat. Commun. 16 (2025) 8396, doi 10.1038/s41467-025-63303-7: the target
is the discharge capacity of the 20th cycle over the positive electrode's theoretical one (Fig. 1), the mean of two
cells (Fig. 2).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mossy.analysis.efficiency import cycles_to, from_retention, required
from mossy.errors import InputError

COLUMNS = [f"norm_capacity_{k}" for k in range(1, 24)]
CYCLE = 20
# Three cells of the same authors' own data (github.com/AmanchukwuLab/AL-anode-free, in-house_label_data.csv): discharge
# over theoretical capacity by column; its third column is its capacity at cycle 20 over 150 mAh/g, the step between
# columns is not stated.
STEADY = (
    *(0.950086667, 0.874466667, 0.816786667, 0.76688, 0.71714, 0.67266, 0.63054, 0.58846, 0.548, 0.514966667),
    *(0.480266667, 0.44856, 0.41784, 0.3901, 0.362973333, 0.337313333, 0.311993333, 0.28864),
)
SHORT = (0.834346667, 0.74414, 0.66146, 0.5876, 0.520826667, 0.456893333, 0.402953333, 0.36088)
ACCELERATING = (
    *(0.877346667, 0.83098, 0.770546667, 0.708566667, 0.656493333, 0.603706667, 0.54866, 0.507333333, 0.462946667),
    *(0.42002, 0.373786667, 0.3273, 0.280453333, 0.23594, 0.213286667, 0.173066667, 0.149193333, 0.136926667),
    *(0.121466667, 0.10752, 0.093246667),
)


@pytest.fixture(scope="module")
def cells(mossy_data: Path) -> np.ndarray:
    table = pl.read_csv(mossy_data / "anode_free_retention" / "label_data_post_batch6.csv", infer_schema_length=None)
    return table.select(pl.col(COLUMNS).cast(pl.Float64)).to_numpy()


def test_no_cell_of_the_file_carries_a_retention_curve(cells: np.ndarray):
    """Of 141 cells 78 gave nothing, and 63 have one value three times, then zeros: a fit through those would say that
    nothing fades, with an error of 1e-9. Each is refused with its reason."""
    reasons = []
    for ratio in cells:
        last = int(np.argmin(ratio > 0.0))
        with pytest.raises(InputError) as refused:
            from_retention(np.arange(1, max(last, 3) + 1), ratio[: max(last, 3)])
        reasons.append(refused.value.problem)
    assert sum("copies of one value" in reason for reason in reasons) == 63
    assert sum("has no logarithm" in reason for reason in reasons) == 78


def test_each_cell_that_lived_carries_one_efficiency(cells: np.ndarray):
    """Of the 20th cycle over the theoretical capacity, Q_20/Q = CE^20, first cycle included; without an error, as the
    file has none. The best cell, 0.8276 after 20 cycles, is far from 100 cycles to 80 %."""
    alive = cells[cells[:, 2] > 0.0, 2]
    assert len(alive) == 63
    found = [from_retention(CYCLE, ratio, amplitude=1.0) for ratio in alive]
    values = np.array([each.coulombic_efficiency for each in found])
    assert all(each.standard_error is None for each in found)
    np.testing.assert_allclose(values**CYCLE, alive, rtol=1e-12)
    assert values.max() == pytest.approx(0.8275667**0.05, abs=1e-7)
    assert values.max() < required(0.8, 100)
    assert cycles_to(float(values.max())) == pytest.approx(CYCLE * np.log(0.8) / np.log(0.8275667), rel=1e-5)


def test_a_capacity_with_an_error_gives_an_efficiency_with_one(cells: np.ndarray):
    """One per cent of the theoretical capacity, as two cells of one electrolyte may differ: d ln CE = 0.01/(20 Q)."""
    for ratio in cells[cells[:, 2] > 0.1, 2]:
        found = from_retention(CYCLE, ratio, standard_error=0.01, amplitude=1.0)
        expected = found.coulombic_efficiency * 0.01 / ratio / CYCLE
        assert found.standard_error == pytest.approx(expected, rel=1e-9)


def test_curves_of_the_same_authors():
    """Two cells fade by one efficiency per column, and the geometric mean of their ends lies inside its interval; one
    fades faster and faster, which is said."""
    for curve in (STEADY, SHORT):
        found = from_retention(np.arange(1, len(curve) + 1), curve)
        mean = (curve[-1] / curve[0]) ** (1.0 / (len(curve) - 1))
        assert found.single is True
        assert found.interval is not None
        assert found.interval[0] < mean < found.interval[1]
        assert found.interval[1] - found.interval[0] < 0.02
    found = from_retention(np.arange(1, len(ACCELERATING) + 1), ACCELERATING)
    assert found.single is False
    assert found.early is not None
    assert found.late is not None
    assert found.early > found.late + 0.03
