"""Photoelectron spectra as a NeXus file after the application definition NXxps, for those whose archives want one.

Each record becomes an NXentry with definition NXxps: title, start time, sample, instrument (source, analyser), the
spectrum as NXdata over its binding energies, and what the record knows besides. Only what is known is written: a field
the definition requires and the measurement does not have is left out, and named by `write_nexus`. Definition:
https://fairmat-nfdi.github.io/nexus_definitions (NXmpes, NXxps; contributed, and still changing). Files were read back
here, not validated against that definition by its own tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError
from mossy.records import Photoemission, Record
from mossy.version import __version__

_REQUIRED = {
    "start_time": "start_time",
    "sample": "sample/name",
    "excitation_energy_electronvolt": "instrument/beam_probe/incident_energy",
    "pass_energy_electronvolt": "instrument/electronanalyser/energydispersion/pass_energy",
}
_FIELDS = {
    "excitation_energy_electronvolt": ("instrument/beam_probe", "NXbeam", "incident_energy", "eV"),
    "excitation_source": ("instrument/source_probe", "NXsource", "name", ""),
    "pass_energy_electronvolt": (
        "instrument/electronanalyser/energydispersion",
        "NXenergydispersion",
        "pass_energy",
        "eV",
    ),
    "analyser_work_function_electronvolt": ("instrument/electronanalyser", "NXelectronanalyser", "work_function", "eV"),
    "dwell_time_second": ("instrument/electronanalyser/detector", "NXdetector", "count_time", "s"),
    "emission_angle_degree": ("geometries", "NXcollection", "emission_angle", "degree"),
    "sample": ("sample", "NXsample", "name", ""),
    "sputter_time_second": ("sample", "NXsample", "sputter_time", "s"),
    "instrument": ("instrument", "NXinstrument", "name", ""),
}
_CLASSES = {
    "instrument": "NXinstrument",
    "electronanalyser": "NXelectronanalyser",
    "energydispersion": "NXenergydispersion",
    "detector": "NXdetector",
}


def write_nexus(records: Sequence[Record], path: str | Path) -> dict[str, list[str]]:
    """Write photoelectron spectra, an entry each; returns for each entry the required fields that are not known.

    Raises InputError for records of another kind, for none, for a file that cannot be written, and where h5py (the
    extra `nexus`) is not installed.
    """
    path = Path(path)
    if not records:
        raise InputError("no record to write", remedy="give at least one photoemission record")
    others = sorted({each.kind for each in records if not isinstance(each, Photoemission)})
    if others:
        remedy = 'read with kind="photoemission"'
        raise InputError(f"holds {' and '.join(others)} records, which have no place in NXxps", remedy=remedy)
    try:
        import h5py
    except ImportError:
        remedy = 'install it: pip install "mossy[nexus]"'
        raise InputError("a NeXus file needs the package h5py, which is not installed", remedy=remedy) from None
    missing: dict[str, list[str]] = {}
    part = path.with_name(path.name + ".part")
    try:
        with h5py.File(part, "w") as file:
            file.attrs["NX_class"] = "NXroot"
            for number, record in enumerate(records, 1):
                name = _entry_name(record, number)
                missing[name] = _write_entry(file, name, record)
            file.attrs["default"] = next(iter(missing))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot be written ({error.strerror or error})", file=path) from None
    return missing


def _entry_name(record: Record, number: int) -> str:
    """A name that HDF5 and NeXus allow: letters, digits and underscores."""
    said = f"{record.metadata.get('sample', '')}_{record.metadata.get('region', '')}"
    return f"entry{number}_{re.sub(r'[^0-9A-Za-z]+', '_', said).strip('_')}".rstrip("_")


def _write_entry(file: Any, name: str, record: Record) -> list[str]:
    entry = _group(file, name, "NXentry")
    metadata = record.metadata
    _set(entry, "definition", "NXxps")
    _set(entry, "title", " ".join(str(metadata[key]) for key in ("sample", "region") if key in metadata) or name)
    _set(entry, "method", "X-ray photoelectron spectroscopy (XPS)" if metadata.get("method") != "UPS" else "UPS")
    _set(entry, "program_name", f"Mossy {__version__}")
    if "start_time" in metadata:
        _set(entry, "start_time", metadata["start_time"])
    for key, (place, kind, field, unit) in _FIELDS.items():
        if key in metadata:
            _set(_nested(entry, place, kind), field, metadata[key], unit)
    _write_data(entry, record)
    if "source_path" in metadata:
        note = _group(entry, "origin", "NXnote")
        for key in ("source_path", "source_sha256", "reader"):
            _set(note, key, metadata.get(key, ""))
    return [field for key, field in _REQUIRED.items() if key not in metadata]


def _write_data(entry: Any, record: Record) -> None:
    """The spectrum: `data` over `energy`, with the unit each column has."""
    table = record.table
    data = _group(entry, "data", "NXdata")
    per_second = "intensity_counts" not in table.columns
    column = "intensity_counts_per_second" if per_second else "intensity_counts"
    _set(data, "data", table[column].to_numpy(), "counts_per_second" if per_second else "counts")
    _set(data, "energy", table["binding_energy_electronvolt"].to_numpy(), "eV")
    data["energy"].attrs["type"] = "binding"
    for name, unit in (("kinetic_energy_electronvolt", "eV"), ("transmission", "")):
        if name in table.columns:
            _set(data, name.removesuffix("_electronvolt"), table[name].to_numpy(), unit)
    data.attrs.update({"signal": "data", "axes": "energy", "energy_indices": 0})
    entry.attrs["default"] = "data"


def _group(parent: Any, name: str, kind: str) -> Any:
    group = parent.require_group(name)
    group.attrs["NX_class"] = kind
    return group


def _nested(entry: Any, place: str, kind: str) -> Any:
    names = place.split("/")
    group = entry
    for name in names[:-1]:
        group = _group(group, name, _CLASSES[name])
    return _group(group, names[-1], kind)


def _set(group: Any, name: str, value: Any, unit: str = "") -> None:
    group[name] = value
    if unit:
        group[name].attrs["units"] = unit
