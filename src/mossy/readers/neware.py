"""Neware .nda and .ndax files of BTS 4 to 9, parsed by fastnda (BSD).

Positive current charges, that is oxidises the positive terminal, which is Mossy's working electrode: signs stay. The
file's counters are those of each step, net of both directions, as fastnda gives them (`step_net_capacity_ah`). The
cycle is the one the instrument counted, where the file holds it; else it begins with the first direction of the test,
so that a test that starts with discharge pairs each discharge with the charge after it.

Numbers have the resolution of the file: single precision for voltage, current, charge and energy. Absolute times of
older files (.nda before BTS 9) are the instrument's clock, whose time zone they do not say. Auxiliary thermometers
come along; other auxiliary channels are listed as not read. Checked against the instrument software's own exports of
14 files.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError
from mossy.readers.base import Reader, Request
from mossy.readers.tables import Measured, records_in
from mossy.records import Record

if TYPE_CHECKING:
    import polars as pl

_NDA = b"NEWARE"
_ZIP = b"PK\x03\x04"
_DATA = "data.ndc"
_LARGEST = 4_000_000_000
_AGAIN = "copy the whole file again, or export the test from Neware's BTSDA as xlsx or csv"
_ALONE = threading.Lock()
_COLUMNS = {
    "total_time_s": ("test_time_second", 1.0),
    "voltage_V": ("voltage_volt", 1.0),
    "current_mA": ("current_ampere", 1e-3),
    "unix_time_s": ("unix_time_second", 1.0),
    "cycle_count": ("cycle_count", 1.0),
    "step_count": ("step_count", 1.0),
    "step_index": ("step_id", 1.0),
    "step_time_s": ("step_time_second", 1.0),
    "index": ("record_index", 1.0),
    "capacity_mAh": ("step_net_capacity_ah", 1e-3),
    "energy_mWh": ("step_net_energy_wh", 1e-3),
}
_THERMOMETER = re.compile(r"aux(\d*)_temperature_degC")
_START = re.compile(r"(\d{4})[-.](\d\d)[-.](\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(\+00:00)?")
_UNDERSTOOD = ("not been verified", "not been thoroughly tested", "unexpected cycle numbers")
_FROM_EPOCH = 129
"""The version of .nda that BTS 9 writes: absolute time from the epoch, wider header."""


def sniff(path: Path, head: bytes) -> bool:
    """The first letters of an .nda; a zip archive with the table of points of an .ndax."""
    if head.startswith(_NDA):
        return True
    return head.startswith(_ZIP) and (_DATA.encode() in head or _DATA in _members(path))


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # noqa: BLE001  damaged archives raise kinds of their own: then only its name says whose it is
        return [_DATA] if path.suffix.lower() == ".ndax" else []


def read(path: Path, request: Request) -> list[Record]:
    """The trace of one test."""
    with path.open("rb") as stream:
        head = stream.read(98)
    nda = head.startswith(_NDA)
    if not nda:
        _check_archive(path)
    begin, length = _extent(head, path.stat().st_size) if nda else (0, 0)
    with _named(path, ".nda" if nda else ".ndax") as file:
        table, told = _parse(file)
        about = _metadata(file)
    if table.is_empty():
        raise InputError("holds no data points", remedy="give the file of a test that was run")
    _check_points(table.height, about.get("num_datapoints"), length if begin and head[14] >= _FROM_EPOCH else 0, told)
    measured = _measured(table, about, told)
    if begin and not length:
        measured = measured.noting(warnings=["the file does not state its length: whether it is whole cannot be told"])
    return records_in(measured, request)


def _extent(head: bytes, size: int) -> tuple[int, int]:
    """Where the points of an .nda begin and how many bytes they are; a file shorter than that was cut.

    Both stand at byte 64 in 32 bits, from BTS 9 on at byte 82 in 64 bits (told from fastnda and from files). The
    oldest versions state a length of 0, BTS 9 files of several blocks begin at 0.
    """
    if len(head) < 98:
        raise InputError("ends within its header: it is cut short", remedy=_AGAIN)
    place, width = (82, 8) if head[14] >= _FROM_EPOCH else (64, 4)
    begin, length = (int.from_bytes(head[at : at + width], "little") for at in (place, place + width))
    if begin + length > size:
        problem = f"has {size} bytes where its points alone end at byte {begin + length}: it is cut short"
        raise InputError(problem, remedy=_AGAIN)
    return begin, length


def _check_points(found: int, stated: object, length: int, told: list[str]) -> None:
    """As many points as BTS 9 states, or where that cannot be found as fill the bytes it states (0: not stated)."""
    damaged = any("records may be missing" in text for text in told)
    if isinstance(stated, int):
        damaged |= stated != found
    elif length:
        damaged |= length % found != 0
    if damaged:
        raise InputError(f"{found} points can be read, which are not all it states: it is damaged", remedy=_AGAIN)


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
            if _DATA not in archive.namelist():
                raise InputError(f"has no {_DATA} in it: it is cut short or no .ndax", remedy=_AGAIN)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  damaged archives raise a dozen kinds
        raise InputError(f"is damaged or cut short ({error})", remedy=_AGAIN) from None
    if size > _LARGEST:
        raise InputError(f"unpacks to {size / 1e9:.1f} GB, more than {_LARGEST / 1e9:.0f} GB", remedy=_AGAIN)


@contextmanager
def _named(path: Path, ending: str) -> Iterator[Path]:
    """The file under a name that ends as fastnda needs it, which tells the format by nothing else."""
    if path.suffix.lower() == ending:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"file{ending}"
        shutil.copyfile(path, copy)
        yield copy


def _parse(file: Path) -> tuple[pl.DataFrame, list[str]]:
    """fastnda's table, and what it logged; whatever it stumbles over is a file that cannot be read."""
    with _listening() as told, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            import fastnda

            table = fastnda.read(file, cycle_mode="raw")
        except ImportError:
            remedy = "install it with: pip install fastnda"
            raise InputError("Neware files need the package fastnda", remedy=remedy) from None
        except Exception as error:  # noqa: BLE001  fastnda raises what zipfile, XML, numpy and polars raise
            text = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            raise InputError(f"is damaged, cut short or of an unknown version ({text})", remedy=_AGAIN) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # polars panics on some damaged data
                raise
            raise InputError("is damaged, cut short or of an unknown version", remedy=_AGAIN) from None
    return table, [*told, *(str(each.message) for each in caught)]


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What fastnda logs meanwhile, for the record rather than for the screen."""
    told: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    logger, listener = logging.getLogger("fastnda"), Listener(logging.WARNING)
    with _ALONE:
        before, logger.propagate = logger.propagate, False
        logger.addHandler(listener)
        try:
            yield told
        finally:
            logger.removeHandler(listener)
            logger.propagate = before


def _metadata(file: Path) -> dict[str, Any]:
    """fastnda's metadata; nothing where it cannot be read, as the points stand on their own."""
    with _listening(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import fastnda

            return dict(fastnda.read_metadata(file))
        except Exception:  # noqa: BLE001  XML in an unknown encoding and the like
            return {}


def _measured(table: pl.DataFrame, about: dict[str, Any], told: list[str]) -> Measured:
    import polars as pl

    chosen = [
        (pl.col(theirs).cast(pl.Float64) * scale).alias(ours) if scale != 1.0 else _plain(theirs, ours, table)
        for theirs, (ours, scale) in _COLUMNS.items()
        if theirs in table.columns
    ]
    if "step_type" in table.columns:
        chosen.append(pl.col("step_type").cast(pl.String))
    unread = []
    for name in table.columns:
        if name in _COLUMNS or name == "step_type":
            continue
        thermometer = _THERMOMETER.fullmatch(name)
        number = int(thermometer[1] or 1) if thermometer else 0
        if 1 <= number <= 5 and (table[name].fill_null(0.0) != 0.0).any():
            chosen.append(pl.col(name).cast(pl.Float64).alias(f"temperature_t{number}_celsius"))
        else:
            unread.append(name)
    frame = table.select(chosen)
    metadata = _described(about) | ({"columns_not_read": unread} if unread else {})
    said = _worth_saying(told, about)
    return Measured(frame, range(1, frame.height + 1), "point", metadata | ({"warnings": said} if said else {}))


def _plain(theirs: str, ours: str, table: pl.DataFrame) -> pl.Expr:
    import polars as pl

    kind = pl.Int64 if table[theirs].dtype.is_integer() else pl.Float64
    return pl.col(theirs).cast(kind).alias(ours)


def _worth_saying(told: list[str], about: dict[str, Any]) -> list[str]:
    """What fastnda said that a person should know, in the order it was said."""
    found = []
    for text in dict.fromkeys(told):
        line = text.splitlines()[0]
        if "negative jumps" in line:
            found.append("the absolute time (unix_time_second) goes back; the test time does not")
        elif "Raw cycle column missing" in line:
            found.append("the file does not count cycles: they were counted by the direction of the steps")
        elif "aux" in line.lower() and ("TestInfo" in line or "different number" in line):
            found.append("the file has auxiliary channels that its description does not name: they were not read")
        elif "has not been verified" in line:
            found.append("this version of the format has not been checked against real files (fastnda says)")
        elif not any(words in line for words in _UNDERSTOOD):
            found.append(f"fastnda says: {line[:200]}")
    version = about.get("nda_version")
    if isinstance(version, int) and version < _FROM_EPOCH:
        found.append("the absolute time is the instrument's clock, of a time zone the file does not say")
    return list(dict.fromkeys(found))


def _described(about: dict[str, Any]) -> dict[str, Any]:
    """Instrument, channel, start, remarks and settings out of fastnda's metadata of either format."""
    test = _part(about, "TestInfo", "TestInfo")
    head = _part(about, "Step", "Head_Info")
    entered = {key: value["Value"] for key, value in head.items() if isinstance(value, dict) and "Value" in value}
    flat = {key: value for key, value in about.items() if not isinstance(value, dict)}
    settings = {
        key: str(value)
        for key, value in {**flat, **{k: v for k, v in test.items() if not isinstance(v, dict)}, **entered}.items()
        if str(value) and not key.startswith("UNKNOWN")
    }
    found: dict[str, Any] = {"instrument": f"Neware {settings.get('DevType', '')}".strip()}
    unit, channel = settings.get("UnitID"), settings.get("ChlID")
    found |= {"channel": "-".join(part for part in (settings.get("DevID"), unit, channel) if part)} if channel else {}
    match = _START.fullmatch(settings.get("StartTime") or settings.get("start_time") or "")
    found |= {"start_time": f"{match[1]}-{match[2]}-{match[3]}T{match[4]}{match[5] or ''}"} if match else {}
    remarks = [settings.get(key, "") for key in ("Remark", "remarks", "Barcode", "barcode")]
    comments = "\n".join(dict.fromkeys(filter(None, remarks)))
    found |= {"comments": comments} if comments else {}
    return found | ({"settings": settings} if settings else {})


def _part(about: dict[str, Any], *keys: str) -> dict[str, Any]:
    part: Any = about
    for key in keys:
        part = part.get(key, {}) if isinstance(part, dict) else {}
    return part if isinstance(part, dict) else {}


READER = Reader("Neware .nda", (".nda", ".ndax"), sniff, read, ("missing",))
