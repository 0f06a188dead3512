"""Many files at once: a bad one is listed with its reason and never stops the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mossy import readers
from mossy.errors import InputError, suggest
from mossy.readers.base import no_regular_file
from mossy.readers.duplicates import fingerprint, twins
from mossy.records import Record, kind_named

_DOCUMENTS = (".md", ".rst", ".pdf", ".doc", ".docx", ".ppt", ".pptx", ".html", ".htm", ".bib", ".tex")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".tif", ".tiff", ".bmp", ".webp", ".eps")
_PROGRAMS = (".py", ".ipynb", ".m", ".r", ".sh", ".bat", ".js", ".exe", ".dll", ".so", ".pyc")
_SETTINGS = {
    ".mps": "an EC-Lab settings file",
    ".mpl": "an EC-Lab log",
    ".mgr": "an EC-Lab graph",
    ".sta": "an EC-Lab state file",
    ".toml": "a settings file",
    ".yaml": "a settings file",
    ".yml": "a settings file",
    ".json": "a settings file",
    ".part": "a file that was not written to its end",
}
_ABOUT = re.compile(r"(licen[sc]e|readme|copying|notice|authors|changelog|citation)\b.*", re.IGNORECASE)
_LOOPS = re.compile(r".*_loop\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class FileRead:
    """What became of one file: its records, or the problem why there are none; `skipped` if it was never opened.

    `duplicate_of` is the file of the same test that has as many rows or more: whoever counts tests counts that one.
    """

    path: Path
    records: list[Record]
    problem: str | None = None
    skipped: bool = False
    duplicate_of: Path | None = None


def read_many(paths: Iterable[str | Path], kind: str | None = None, **options: Any) -> list[FileRead]:
    """Every file among paths and in the folders among them, in that order; folders are walked in natural order.

    Hidden files and what is plainly no measurement is skipped when found in a folder; a file named by itself is always
    tried. `options` go to each reader that knows them, a map of `columns` among them. Records of another kind than
    `kind` are left out; a file that holds only those is listed with that as its problem. A file reached twice is read
    once; two files of one test are both read, and the shorter says of which it is a duplicate.
    """
    for name in options:
        if name not in ("columns", *readers.all_options()):
            raise InputError(f"'{name}' is not an option of any reader", remedy=suggest(name, readers.all_options()))
    if kind is not None:
        kind_named(kind)
    done: set[str] = set()
    found = []
    for path, named in files_among(paths):
        known = os.path.realpath(path)  # unlike Path.resolve it stands a link that leads to itself
        if known in done:
            continue
        done.add(known)
        reason = None if named else not_a_measurement(path)
        found.append(FileRead(path, [], f"skipped: {reason}", True) if reason else read_one(path, kind, options))
    kept = _twins(found)[0]
    return [replace(each, duplicate_of=kept[each.path]) if each.path in kept else each for each in found]


def duplicates(reads: Iterable[FileRead]) -> list[str]:
    """What a person should know of files of one test: which, why, and which of them is kept."""
    return _twins(reads)[1]


def _twins(reads: Iterable[FileRead]) -> tuple[dict[Path, Path], list[str]]:
    known = {each.path: fingerprint(each.records) for each in reads}
    return twins({path: each for path, each in known.items() if each is not None})


def read_one(path: Path, kind: str | None, options: dict[str, Any]) -> FileRead:
    """A file with those of the options that its reader knows; never raises for what the file holds."""
    try:
        accepted = readers.options_of(path, kind=kind, columns=options.get("columns"))
        given = {name: value for name, value in options.items() if name in accepted}
        return FileRead(path, readers.read(path, kind=kind, **given))
    except InputError as error:
        reason = InputError(error.problem, key=error.key, remedy=error.remedy)
        return FileRead(path, [], str(reason))


def files_among(paths: Iterable[str | Path]) -> Iterator[tuple[Path, bool]]:
    """(file, whether it was named by itself)."""
    for given in paths:
        path = Path(given)
        if not path.is_dir():
            yield path, True
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
            for name in sorted(files, key=natural):
                yield Path(folder) / name, False


def not_a_measurement(path: Path) -> str | None:
    """Why a file is plainly no measurement, or None.

    >>> not_a_measurement(Path("LICENSE")), not_a_measurement(Path("run.mps")), not_a_measurement(Path("cell.mpr"))
    ('a document', 'an EC-Lab settings file', None)
    """
    name, suffix = path.name, path.suffix.lower()
    if name.startswith((".", "~$")):
        return "a hidden file"
    other = no_regular_file(path)
    if other:
        return other
    if _ABOUT.fullmatch(name) or suffix in _DOCUMENTS:
        return "a document"
    if suffix in _IMAGES:
        return "an image"
    if suffix in _PROGRAMS:
        return "a program"
    if _LOOPS.fullmatch(name):
        return "an EC-Lab list of loops"
    return _SETTINGS.get(suffix)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """The key that sorts names the way people count.

    >>> sorted(["run10", "run9", "Run1"], key=natural)
    ['Run1', 'run9', 'run10']
    """
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdecimal() and len(part) < 400 else (1, 0, part.lower()) for part in parts)
