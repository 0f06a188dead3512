"""`mossy bench` measures what it says."""

from __future__ import annotations

import pytest

from mossy import bench


@pytest.mark.slow
def test_the_table_has_every_figure():
    rows = bench.figures(lanes=(4,))
    assert [row.name for row in rows][-1] == "4 cells, each"
    assert all(0.0 < row.least <= row.median for row in rows)
    powers = bench.exponents()
    assert 0.0 < powers["volumes"] < 1.2
    assert 0.5 < powers["cycles"] < 1.3
    assert bench.kilobytes_per_lane() > 10.0


def test_a_case_of_another_size_is_that_size():
    case = bench.case_of(nodes=20, cycles=3, tolerance=1e-5)
    assert (case.numerics.nodes, case.protocol.repeat, case.numerics.relative_tolerance) == (20, 3, 1e-5)
    assert bench.case_of().protocol.repeat == 10
