"""EC-Lab's binary files against its own text exports of the same runs, column by column.

The text holds what the binary holds in single precision with eight digits, so a column may differ by half of the last:
5e-8 of its value. Times are in double precision on both sides. A column that is a difference or a projection of others
is as good as what it was computed from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.records import Cycling, Record

pytest.importorskip("galvani", reason="the extra [biologic] is not installed")

EIGHT_DIGITS = 5e-8
DOUBLE = 1e-15
COUNTS = ("step_id", "half_cycle_count", "cycle_count")

TEXTS = (
    *("ca.issue_149", "coc.issue_185", "cov.issue_185", "cp.issue_149", "cp.issue_61", "cp", "cva.issue_202"),
    *("gcpl.issue_149", "gcpl.issue_226.CxN", "gcpl.issue_226.I", "geis.issue_149", "geis", "lsv.issue_195", "lsv"),
    *("mb.issue_223", "mb.issue_95", "mb.issue_95.de", "ocv.issue_149", "ocv", "ocv.old", "peis.issue_149", "peis"),
    *(
        "peis.issue_225.ewe_ece",
        "peis.issue_225.no_ece",
        "peis.issue_225.with_ece",
        "vsp_ocv_with",
        "vsp_ocv_wo",
        "zir",
    ),
)
"""Every text export with data points: 26 runs, two of them exported twice (a German one, one of an older version)."""

ONLY_IN_TEXT = {
    "cycle_count": "EC-Lab counts cycles when it exports, from the half-cycles that the binary holds",
    "power_watt": "EC-Lab computes the power when it exports, unless it was told to record it",
}
"""Why a column of the text has no counterpart; the other way round there is none. "step time" is read from neither: in
the texts it stands still in some steps and starts at the time of the test in others."""


@pytest.fixture(params=TEXTS)
def pair(request: pytest.FixtureRequest, mossy_data: Path) -> list[tuple[Record, Record]]:
    folder, stem = mossy_data / "biologic_pairs", request.param
    binary = readers.read(folder / f"{stem.removesuffix('.de').removesuffix('.old')}.mpr")
    return list(zip(binary, readers.read(folder / f"{stem}.mpt"), strict=True))


def computed_from(name: str, record: Record) -> float:
    """The size of what a column was computed from; 0 where it is as it was measured."""
    table = record.table
    if name == "voltage_volt" and "counter_potential_volt" in table.columns:
        return max(float(np.abs(table[f"{side}_potential_volt"]).max()) for side in ("working", "counter"))
    if name.startswith(("real_", "imaginary_")) and record.metadata.get("impedance") == "from modulus and phase":
        return float(np.hypot(table["real_impedance_ohm"], table["imaginary_impedance_ohm"]).max())
    return 0.0


def test_every_column_of_the_binary_is_that_of_the_text(pair: list[tuple[Record, Record]]) -> None:
    for binary, text in pair:
        assert type(binary) is type(text)
        assert binary.table.height == text.table.height
        assert set(binary.table.columns) <= set(text.table.columns)
        for name in binary.table.columns:
            values, said = (record.table[name].cast(float).to_numpy() for record in (binary, text))
            if name in COUNTS:
                np.testing.assert_array_equal(values, said, err_msg=name)
            elif name == "current_ampere" and str(binary.metadata.get("current", "")).endswith("length"):
                known = np.isfinite(
                    values
                )  # the first mean has no interval: the text writes a number, nobody knows which
                assert np.count_nonzero(~known) <= 1
                np.testing.assert_allclose(values[known], said[known], EIGHT_DIGITS, 0.0, err_msg=name)
            else:
                allowed = DOUBLE if name == "test_time_second" else EIGHT_DIGITS
                atol = 2.0 * EIGHT_DIGITS * computed_from(name, binary)
                np.testing.assert_allclose(values, said, allowed, atol, err_msg=name)


def test_what_only_the_text_holds_is_computed_from_what_both_hold(pair: list[tuple[Record, Record]]) -> None:
    for binary, text in pair:
        table = text.table
        only = set(table.columns) - set(binary.table.columns)
        assert only <= set(ONLY_IN_TEXT)
        if "cycle_count" in only:
            assert (table["cycle_count"] == table["half_cycle_count"] // 2).all()
        if "power_watt" in only:
            product = table["voltage_volt"].to_numpy() * table["current_ampere"].to_numpy()
            power = table["power_watt"].to_numpy()
            np.testing.assert_allclose(power, product, 0.0, 2.0 * EIGHT_DIGITS * np.abs(product).max())


def test_the_power_of_a_record_is_that_of_the_whole_cell(pair: list[tuple[Record, Record]]) -> None:
    """EC-Lab's P is Ewe I: with a reference electrode it is not the cell's, and not kept."""
    for record in (record for both in pair for record in both if "power_watt" in record.table.columns):
        product = record.table["voltage_volt"].to_numpy() * record.table["current_ampere"].fill_null(0.0).to_numpy()
        power = record.table["power_watt"].to_numpy()
        np.testing.assert_allclose(power[1:], product[1:], 0.0, 3.0 * EIGHT_DIGITS * np.abs(product).max())


def test_the_mean_current_of_the_text_carries_the_charge_that_the_binary_counted(
    pair: list[tuple[Record, Record]],
) -> None:
    """With the current a mean, the integral is exact where EC-Lab computed it from the charge: eight digits of each."""
    for binary, text in pair:
        if not (isinstance(binary, Cycling) and str(binary.metadata.get("current", "")).endswith("length")):
            continue
        assert text.metadata["current"] == "mean over each interval"
        mine, theirs = binary.metadata["charge_check"], text.metadata["charge_check"]
        for way in ("charging", "discharging"):
            assert mine["integrated_ah"][way] == pytest.approx(theirs["integrated_ah"][way], rel=1e-6, abs=1e-15)
            assert mine["vendor_ah"][way] == pytest.approx(theirs["vendor_ah"][way], rel=1e-6, abs=1e-15)
