"""Vendor files -> records: one registry behind `mossy.read`.

Readers are asked in turn whether a file is theirs: the latest registered first, text tables last. The file's content
decides, not its extension, so that a renamed file is still read. A format is added by `register(Reader(...))`.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.readers.base import ColumnMap, Reader, Request, read_bytes
from mossy.records import Record

_BUILT_IN = (
    *("biologic_binary", "biologic_text", "gamry", "zplot", "versastudio", "zahner", "ivium"),
    *("neware", "arbin", "arbin_table", "maccor", "landt", "pec", "neware_table", "workbook", "compressed"),
    *(f"photoemission.{name}" for name in ("vamas", "phi", "specs_xy", "specs_xml", "scienta", "casa_table", "table")),
    *("battery_data_format", "text"),
)
_SPECTRA = "photoemission table"
"""The reader that is asked in place of the text table's where the caller says that a table is such a spectrum."""
_HEAD = 65536
TRACE_OPTIONS = ("trust", "times")
"""The options that belong to every file with a trace, whatever its reader (`mossy.readers.integrity`)."""
_registry: list[Reader] = []


def _readers() -> list[Reader]:
    """The readers in the order they are asked; the built-in ones join when the first is needed."""
    known = {reader.name for reader in _registry}
    for module in _BUILT_IN:
        reader = importlib.import_module(f"{__name__}.{module}").READER
        if reader.name not in known:
            _registry.append(reader)
    return _registry


def register(reader: Reader) -> None:
    """Add a format. It is asked before those already known; a name can be taken only once."""
    if reader.name in names():
        raise InputError(f"a reader named '{reader.name}' is registered already", remedy="choose another name")
    _registry.insert(0, reader)


def names() -> list[str]:
    """The names of the formats that can be read, in the order their readers are asked.

    >>> names()  # doctest: +NORMALIZE_WHITESPACE
    ['BioLogic .mpr', 'BioLogic .mpt', 'Gamry .DTA', 'ZPlot .z', 'VersaStudio .par', 'Zahner .ism', 'Ivium .idf',
    'Neware .nda', 'Arbin .res', 'Arbin table', 'Maccor text', 'Landt table', 'PEC csv', 'Neware table', 'Excel .xlsx',
    'packed', 'VAMAS .vms', 'PHI .spe', 'SPECS .xy', 'SPECS .xml', 'Scienta .txt', 'CasaXPS table',
    'photoemission table', 'Battery Data Format', 'text table']
    """
    return [reader.name for reader in _readers()]


def read(
    path: str | Path, *, kind: str | None = None, columns: ColumnMap | None = None, **options: Any
) -> list[Record]:
    """Every record in a measured file, or those of one `kind` ("cycling", "impedance", "profile", "photoemission").

    `columns` names columns that headings do not: {"test_time_second": ("t", "h"), "voltage_volt": (2, "V")}, by
    heading or by number from 1, with the unit they are in. `options` are those of the file's reader, for example
    missing="drop"; `trust` and `times` (`mossy.readers.integrity`) belong to every trace. Raises InputError, and
    nothing else, for a file that cannot be read whole and with certainty.
    """
    try:
        path = Path(path)
        if path.is_dir():
            raise InputError("is a folder", file=path, remedy="give one file")
        data = read_bytes(path)
    except (TypeError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path!r} is not a file name", remedy="give the path of a file") from None
    request = Request(kind, columns, options)
    if not data:
        raise InputError("is empty", file=path, remedy="give a file with data in it")
    reader = _reader_of(path, data[:_HEAD], _is_spectrum(kind, columns))
    for option in (*options, *(["columns"] if columns else [])):
        if option not in (*reader.options, *TRACE_OPTIONS):
            remedy = suggest(option, (*reader.options, *TRACE_OPTIONS))
            raise InputError(f"'{option}' is not an option of the {reader.name} reader", file=path, remedy=remedy)
    try:
        records = [_checked(record, options) for record in reader.read(path, request)]
    except InputError as error:
        raise error.at(file=path) from None
    return [_stamped(record, path, data, reader) for record in records]


def options_of(path: str | Path, *, kind: str | None = None, columns: ColumnMap | None = None) -> tuple[str, ...]:
    """The names of the options that the reader of a file understands, "columns" among them if it does."""
    path = Path(path)
    return (*_reader_of(path, read_bytes(path)[:_HEAD], _is_spectrum(kind, columns)).options, *TRACE_OPTIONS)


def all_options() -> tuple[str, ...]:
    """Every option that some reader understands, but for "columns", which belong to one file."""
    own = {option for reader in _readers() for option in reader.options}
    return tuple(sorted({*own, *TRACE_OPTIONS} - {"columns"}))


def _is_spectrum(kind: str | None, columns: ColumnMap | None) -> bool:
    """Whether the caller says of a table that it is a photoelectron spectrum."""
    named = columns if isinstance(columns, Mapping) else {}
    return kind == "photoemission" or any(str(name).endswith("_electronvolt") for name in named)


def _reader_of(path: Path, head: bytes, spectrum: bool = False) -> Reader:
    """The reader whose format this is; where two claim it, the one that has its extension."""
    willing = [reader for reader in _readers() if reader.sniff(path, head)]
    last = _registry[-1]
    claims = [reader for reader in willing if reader is not last] or willing
    if spectrum and claims == [last]:
        return next(reader for reader in _registry if reader.name == _SPECTRA)
    by_extension = [reader for reader in claims if path.name.lower().endswith(reader.extensions)]
    if claims:
        return (by_extension or claims)[0]
    owner = next((reader for reader in _registry if path.name.lower().endswith(reader.extensions)), None)
    what = f"is named like a {owner.name} file, but does not start like one" if owner else "is of no format known here"
    shown = ", ".join(f"{reader.name} ({' '.join(reader.extensions)})" for reader in _registry)
    raise InputError(f"{what} (it starts with {head[:16]!r})", file=path, remedy=f"formats that can be read: {shown}")


def _checked(record: Record, options: dict[str, Any]) -> Record:
    """The record after the checks of a trace; one that Mossy wrote carries what they found already."""
    from mossy.readers.integrity import checked

    return record if "source_sha256" in record.metadata else checked(record, options)


def _stamped(record: Record, path: Path, data: bytes, reader: Reader) -> Record:
    """The record with where it came from; a file of Mossy's own keeps what it said about that as its origin."""
    stamp = {"source_path": str(path), "source_sha256": hashlib.sha256(data).hexdigest(), "reader": reader.name}
    earlier = {key: record.metadata[key] for key in stamp if key in record.metadata}
    return record.with_metadata(**stamp, **({"origin": earlier} if earlier else {}))


__all__ = ["Reader", "Request", "all_options", "names", "options_of", "read", "register"]
