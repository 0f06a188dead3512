"""A known trace written out as the text file of each vendor, with the digits and the habits of its instruments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mossy.records import Cycling

Trace = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # s, V, A, the number of the step


def trace_of(record: Cycling) -> Trace:
    table = record.table
    time, voltage, current = (table[n].to_numpy() for n in ("test_time_second", "voltage_volt", "current_ampere"))
    size = np.abs(current)
    sign = np.where(size > 1e-3 * size.max(), np.sign(current), 0.0)
    step = 1 + np.cumsum(np.diff(sign, prepend=sign[:1]) != 0)
    return time, voltage, current, step


def _counters(time: np.ndarray, current: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ah charged and discharged since the start, as an instrument that samples fast counts them."""
    starts = np.diff(step) != 0
    mean = np.where(starts, current[1:], 0.5 * (current[1:] + current[:-1]))
    passed = np.concatenate([[0.0], mean * np.diff(time)]) / 3600.0
    return np.cumsum(np.maximum(passed, 0.0)), np.cumsum(np.maximum(-passed, 0.0))


def _table(delimiter: str, headings: list[str], *columns: object) -> list[str]:
    rows = zip(*(each.tolist() if isinstance(each, np.ndarray) else each for each in columns), strict=True)
    text = (delimiter.join(f"{x:.9g}" if isinstance(x, float) else str(x) for x in row) for row in rows)
    return [delimiter.join(headings), *text]


def _states(current: np.ndarray, words: tuple[str, str, str]) -> list[str]:
    size = np.abs(current)
    flows = size > 1e-3 * size.max()
    return [words[0] if f and i > 0 else words[2] if f else words[1] for i, f in zip(current, flows, strict=True)]


def battery_data_format(trace: Trace) -> list[str]:
    time, voltage, current, step = trace
    return _table(
        ",", ["test_time_second", "voltage_volt", "current_ampere", "step_count"], time, voltage, current, step
    )


def people(trace: Trace) -> list[str]:
    """A table of somebody's own, with decimal commas."""
    time, voltage, current, _ = trace
    lines = _table(";", ["time/h", "Ecell/mV", "I/mA"], time / 3600.0, 1e3 * voltage, 1e3 * current)
    return [lines[0], *(line.replace(".", ",") for line in lines[1:])]


def biologic(trace: Trace) -> list[str]:
    time, voltage, current, step = trace
    charged, discharged = _counters(time, current, step)
    head = ["EC-Lab ASCII FILE", "Nb header lines : 6", "", "Galvanostatic Cycling with Potential Limitation", ""]
    headings = ["Ns", "time/s", "Ewe/V", "I/mA", "(Q-Qo)/mA.h"]
    return head + _table("\t", headings, step, time, voltage, 1e3 * current, 1e3 * (charged - discharged))


def arbin(trace: Trace) -> list[str]:
    time, voltage, current, step = trace
    headings = ["Data_Point", "Test_Time(s)", "Step_Index", "Cycle_Index", "Current(A)", "Voltage(V)"]
    headings += ["Charge_Capacity(Ah)", "Discharge_Capacity(Ah)"]
    point, cycle = np.arange(1, len(time) + 1), np.ones(len(time), dtype=int)
    return _table(",", headings, point, time, step, cycle, current, voltage, *_counters(time, current, step))


def maccor(trace: Trace) -> list[str]:
    """Currents without sign; the state says which way they flow."""
    time, voltage, current, step = trace
    charged, discharged = _counters(time, current, step)
    total = charged + discharged
    since = total - total[np.searchsorted(step, step)]
    clock = [f"{int(t // 86400)}d {int(t % 86400 // 3600):02d}:{int(t % 3600 // 60):02d}:{t % 60:09.6f}" for t in time]
    headings = ["Rec#", "Cyc#", "Step", "TestTime", "StepTime", "Amp-hr", "Watt-hr", "Amps", "Volts", "State", "ES"]
    states, zero = _states(current, ("C", "R", "D")), np.zeros(len(time), dtype=int)
    point = np.arange(1, len(time) + 1)
    body = _table("\t", headings, point, zero, step, clock, clock, since, since, np.abs(current), voltage, states, zero)
    return ["Today's Date 01/15/2025  Date of Test:\t01/31/2025\t Filename:\tC:\\a.001 Procedure: x.000", *body]


def landt(trace: Trace) -> list[str]:
    time, voltage, current, step = trace
    charged, discharged = _counters(time, current, step)
    total = charged + discharged
    since = total - total[np.searchsorted(step, step)]
    headings = ["Record", "TestTime/Sec", "StepTime/Sec", "Current/mA", "Capacity/mAh", "SpeCap/mAh/g", "Voltage/V"]
    headings += ["SysTime", "Cycle-Index", "Step-Index", "Step-State"]
    count, dates = np.arange(1, len(time) + 1), ["2024-01-31 08:00:00"] * len(time)
    states = _states(current, ("C_CC", "R", "D_CC"))
    columns = (time, time, 1e3 * current, 1e3 * since, since, voltage, dates, np.ones_like(count), step, states)
    return _table(",", headings, count, *columns)


def pec(trace: Trace) -> list[str]:
    time, voltage, current, step = trace
    charged, discharged = _counters(time, current, step)
    headings = ["Test", "Cell", "Step", "Instruction Name", "Cycle", "Total Time (Hours in hh:mm:ss.xxx)"]
    headings += ["Step Time (Seconds)", "Real Time", "Voltage (mV)", "Current (mA)", "Charge Capacity (mAh)"]
    headings += ["Discharge Capacity (mAh)", "Temp (°C)"]
    clock = [f"{int(t // 3600):02d}:{int(t % 3600 // 60):02d}:{t % 60:06.3f}" for t in time]
    words = _states(current, ("Charge CC", "Idle", "Discharge CC"))
    ones, dates = np.ones(len(time), dtype=int), ["01/31/2026 08:00:00"] * len(time)
    body = _table(
        *(",", headings, 7 * ones, ones, step, words, ones, clock, 0.0 * time, dates),
        *(1e3 * voltage, 1e3 * current, 1e3 * charged, 1e3 * discharged, 0.0 * time + 21.5),
    )
    return ["Test:,7", "TestRegime Name:,x", "Start Time:,01/31/2026 07:55:00", *body]


def gamry(trace: Trace) -> list[str]:
    time, voltage, current, _ = trace
    head = ["EXPLAIN", "TAG\tPWR800_CHARGE", "TITLE\tLABEL\tCharge\tTest", "CONVENTION\tIQUANT\t1\tCurrent Convention"]
    head += [f"CURVE\tTABLE\t{len(time)}", "\tPt\tT\tVf\tIm", "\t#\ts\tV vs. Ref.\tA"]
    rows = zip(time.tolist(), voltage.tolist(), current.tolist(), strict=True)
    return head + [f"\t{k}\t{t:.9g}\t{v:.9g}\t{i:.9g}" for k, (t, v, i) in enumerate(rows)]


VENDORS: dict[str, tuple[str, Callable[[Trace], list[str]]]] = {
    "Battery Data Format": ("cell.bdf.csv", battery_data_format),
    "somebody's table": ("cell.csv", people),
    "BioLogic": ("cell.mpt", biologic),
    "Arbin": ("cell.csv", arbin),
    "Maccor": ("cell.txt", maccor),
    "Landt": ("cell.csv", landt),
    "PEC": ("cell.csv", pec),
    "Gamry": ("cell.DTA", gamry),
}


def written(record: Cycling, vendor: str, folder: Path) -> Path:
    """The record as a file of that vendor in a folder."""
    name, lines = VENDORS[vendor]
    path = folder / name
    path.write_text("\n".join(lines(trace_of(record))) + "\n", encoding="utf-8")
    return path
