"""Which files are of one cell: each is one, but for the techniques of an EC-Lab experiment, which belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TECHNIQUE = re.compile(
    r"(?P<test>.+)_(?P<number>\d{2})_(?P<technique>[A-Z][A-Za-z0-9]{1,9})_(?P<channel>C[A-Z]?\d{2})"
)


@dataclass(frozen=True)
class CellFiles:
    """A cell: its name and its files in the order of the experiment."""

    name: str
    files: tuple[Path, ...]


def grouped(files: Iterable[Path], top: Sequence[Path] = ()) -> list[CellFiles]:
    """The cells among files. EC-Lab writes TEST_01_GCPL_C05.mpr, TEST_02_GEIS_C05.mpr...: those are one cell.

    Names are the file's without its ending; with it, and with the folder below `top`, where two would be alike.

    >>> names = ["a/x_01_GCPL_C05.mpr", "a/x_02_GEIS_C05.mpr", "a/y.csv", "b/y.csv"]
    >>> [(cell.name, len(cell.files)) for cell in grouped(map(Path, names))]
    [('x C05', 2), ('a/y.csv', 1), ('b/y.csv', 1)]
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        match = _TECHNIQUE.fullmatch(file.stem)
        key = f"{match['test']} {match['channel']}" if match else file.name
        groups.setdefault((file.parent, key), []).append(file)
    found = [
        (key if len(members) > 1 or _TECHNIQUE.fullmatch(members[0].stem) else bare(members[0]), tuple(members))
        for (_, key), members in groups.items()
    ]
    return [CellFiles(name, members) for name, members in zip(_unlike(found, top), (m for _, m in found), strict=True)]


def bare(file: Path) -> str:
    """The name of a file without the endings that name its format.

    >>> bare(Path("cell.bdf.csv")), bare(Path("2-1-6.nda.zip")), bare(Path("cell.v2.csv"))
    ('cell', '2-1-6', 'cell.v2')
    """
    name = file.name
    for ending in (".zip", ".gz"):
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    stem = Path(name).stem
    return stem[:-4] if stem.lower().endswith(".bdf") else stem


def _unlike(found: Sequence[tuple[str, tuple[Path, ...]]], top: Sequence[Path]) -> list[str]:
    """Names of which no two are alike: with the ending, then with the folder, then with a number."""
    names = [name for name, _ in found]
    for longer in (_with_ending, _with_folder, _numbered):
        alike = {name for name in names if names.count(name) > 1} if len(names) < 200 else _repeated(names)
        if not alike:
            break
        names = [
            longer(name, members, top, k) if name in alike else name
            for k, (name, (_, members)) in enumerate(zip(names, found, strict=True), 1)
        ]
    return names


def _repeated(names: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def _with_folder(name: str, members: tuple[Path, ...], top: Sequence[Path], number: int) -> str:
    parent = members[0].parent
    for folder in top:
        if folder in (parent, *parent.parents):
            parent = parent.relative_to(folder)
            break
    return f"{parent.as_posix()}/{name}" if str(parent) not in ("", ".") else name


def _with_ending(name: str, members: tuple[Path, ...], top: Sequence[Path], number: int) -> str:
    return members[0].name if len(members) == 1 else name


def _numbered(name: str, members: tuple[Path, ...], top: Sequence[Path], number: int) -> str:
    return f"{name} ({number})"
