"""BioLogic EC-Lab binary files (.mpr), parsed by galvani (GPL, so an extra that is imported only here).

EC-Lab does not store the mean current of its galvanostatic techniques: it is the charge of each interval over its
length, which is what its own text export writes. The settings read here (technique, area, materials) stand at places
told from files and their text exports.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mossy.errors import InputError
from mossy.readers.base import Reader, Request, read_bytes
from mossy.readers.biologic import area, choose, measured
from mossy.readers.tables import records_in
from mossy.records import MEAN_CURRENT, Record

_MAGIC = b"BIO-LOGIC MODULAR FILE"
_TECHNIQUES = {
    0x04: "Galvanostatic Cycling with Potential Limitation",
    0x06: "Cyclic Voltammetry",
    0x0B: "Open Circuit Voltage",
    0x18: "Chronoamperometry / Chronocoulometry",
    0x19: "Chronopotentiometry",
    0x1C: "Wait",
    0x1D: "Potentio Electrochemical Impedance Spectroscopy",
    0x1E: "Galvano Electrochemical Impedance Spectroscopy",
    0x32: "IR compensation (PEIS)",
    0x33: "Cyclic Voltammetry Advanced",
    0x6C: "Linear Sweep Voltammetry",
    0x75: "Constant Voltage",
    0x76: "Constant Current",
    0x7F: "Modulo Bat",
}
_AREA = 0x211
_TEXTS = {"electrode_material": 0x11E, "electrolyte": 0x1C0, "reference_electrode": 0x215, "comments": 0x7}


def sniff(path: Path, head: bytes) -> bool:
    """The first bytes name the format."""
    return head.startswith(_MAGIC)


def read(path: Path, request: Request) -> list[Record]:
    """The trace and the spectra of one technique."""
    file = _parse(read_bytes(path))
    data = file.data
    headings = list(data.dtype.names)
    metadata = _metadata(file)
    if not len(data):
        technique = metadata.get("technique", "unknown")
        raise InputError(f"holds no data points (technique: {technique})", remedy="give a file with at least one")
    chosen = choose(headings)
    unknown: tuple[str, ...] = ()
    columns = {name: _series(data[headings[place]], factor) for name, (place, factor) in chosen.items()}
    if "current_ampere" not in columns and "dq/mA.h" in headings and "test_time_second" in columns:
        columns["current_ampere"] = _mean_current(data["time/s"], data["dq/mA.h"])
        metadata["current"] = f"{MEAN_CURRENT}, from its charge and length"
        unknown = ("current_ampere",)
    read_places = {place for place, _ in chosen.values()}
    metadata["columns_not_read"] = [name for place, name in enumerate(headings) if place not in read_places]
    loops = [] if file.loop_index is None else [int(start) for start in file.loop_index[:-1]]
    places = range(1, len(data) + 1)
    return records_in(replace(measured(columns, loops, places, "point", metadata), may_lack=unknown), request)


def _parse(data: bytes) -> Any:
    """galvani's view of the file; whatever it stumbles over is a file that cannot be read."""
    try:
        from galvani import BioLogic
    except ImportError:
        remedy = "install the reader (GPL, so not part of Mossy) with: pip install 'mossy[biologic]'"
        raise InputError("BioLogic .mpr files need the package datalab-org-galvani", remedy=remedy) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown columns: counted below
            file = BioLogic.MPRfile(io.BytesIO(data))
    except Exception as error:  # noqa: BLE001  galvani asserts and raises a dozen kinds on damaged files
        remedy = "if EC-Lab opens it, export it as text (.mpt)"
        raise InputError(
            f"is not a whole .mpr file, or of an unknown version ({_short(error)})", remedy=remedy
        ) from None
    unknown = [name for name in file.data.dtype.names if name.startswith("unknown_colID")]
    if len(unknown) > 1:  # the width of one unknown column follows from the file's length; of two it does not
        problem = f"holds {len(unknown)} columns of unknown width ({', '.join(unknown)})"
        raise InputError(problem, remedy="export it as text (.mpt)")
    return file


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:120]


def _series(values: np.ndarray, factor: float) -> Any:
    import polars as pl

    return pl.Series(values.astype(np.float64) * factor)


def _mean_current(time: np.ndarray, charge: np.ndarray) -> Any:
    """A; the first point has no interval. Unknown where two points share a time and charge still passed."""
    import polars as pl

    seconds = np.diff(time.astype(np.float64), prepend=np.nan)
    charge = charge.astype(np.float64) * 3.6  # mAh -> C
    known = seconds > 0.0
    current = np.where(charge == 0.0, 0.0, np.nan)
    current[known] = charge[known] / seconds[known]
    return pl.Series(current).fill_nan(None)


def _metadata(file: Any) -> dict[str, Any]:
    settings = next(module["data"] for module in file.modules if module["shortname"].startswith(b"VMP Set"))
    metadata: dict[str, Any] = {"instrument": "BioLogic"}
    if settings and settings[0] in _TECHNIQUES:
        metadata["technique"] = _TECHNIQUES[settings[0]]
    if len(settings) >= _AREA + 4:
        metadata |= area(float(struct.unpack_from("<f", settings, _AREA)[0]))
        texts = {name: _text(settings, place) for name, place in _TEXTS.items()}
        metadata |= {name: text for name, text in texts.items() if text and text != "(unspecified)"}
    started = getattr(file, "timestamp", None)
    if started is not None:
        metadata["start_time"] = started.isoformat()
    return metadata


def _text(settings: bytes, place: int) -> str:
    """A text stored as its length and its letters."""
    text = settings[place + 1 : place + 1 + settings[place]].decode("latin-1")
    return "\n".join(line.strip() for line in text.strip().split("\n"))


READER = Reader("BioLogic .mpr", (".mpr",), sniff, read, ("missing",))
