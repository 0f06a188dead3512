"""The lines of a VAMAS file (ISO 14976) -> its header and blocks, without judging what they mean.

The format has no tags: an entry is known by its place, one a line, and which entries there are depends on the
experiment mode, the scan mode and the technique. The order is that of the standard: W. A. Dench, L. B. Hazell, M. P.
Seah, Surf. Interface Anal. 13, 63 (1988), doi:10.1002/sia.740130202 (unverified: the place of the entries was checked
against files of four vendors instead). A number of 1E+37 stands for one that is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from mossy.errors import InputError

START = "VAMAS Surface Chemical Analysis"
_UNKNOWN = 1e36
_MODES = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "SDP", "SDPSV", "SEM", "NOEXP")
_SPUTTERED = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_IONS = ("FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec")
_AGAIN = "export the file again from the program that wrote it"


@dataclass
class Block:
    """One spectrum: what stands above its numbers, and one column for each of its variables."""

    number: int
    name: str = ""
    sample: str = ""
    date: tuple[float, ...] = ()
    comments: list[str] = field(default_factory=list)
    technique: str = ""
    variables: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Label of each experimental variable -> its unit and value."""
    source: str = ""
    numbers: dict[str, float] = field(default_factory=dict)
    """The entries that are numbers, where they are known."""
    analyser_mode: str = ""
    species: str = ""
    transition: str = ""
    signal_mode: str = ""
    labels: list[tuple[str, str]] = field(default_factory=list)
    """Label and unit of each column; the first is the abscissa."""
    columns: list[np.ndarray] = field(default_factory=list)


@dataclass
class File:
    """The header of a file and its blocks."""

    entries: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


class _Lines:
    """The lines of a file, taken one by one; every complaint names the line and what was wanted there."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.place, self.within = lines, 0, "the header"

    def fail(self, problem: str) -> NoReturn:
        raise InputError(f"line {self.place} ({self.within}): {problem}", remedy=_AGAIN)

    def text(self, what: str) -> str:
        if self.place >= len(self.lines):
            raise InputError(f"ends within {self.within}, where {what} should stand: it is cut short", remedy=_AGAIN)
        self.place += 1
        return self.lines[self.place - 1].strip()

    def number(self, what: str) -> float:
        word = self.text(what)
        try:
            return float(word)
        except ValueError:
            self.fail(f"'{word[:40]}' where a number ({what}) should stand")

    def count(self, what: str, most: int = 10_000_000) -> int:
        value = self.number(what)
        if value != int(value) or abs(value) > most:
            self.fail(f"{value} where a whole number ({what}) should stand")
        return int(value)

    def texts(self, count: int, what: str) -> list[str]:
        return [self.text(what) for _ in range(count)]

    def values(self, count: int) -> np.ndarray:
        """`count` numbers at once; the line of the first that is none is named."""
        words = self.lines[self.place : self.place + count]
        if len(words) < count:
            self.place = len(self.lines)
            self.text("an intensity")
        try:
            found = np.array(words, dtype=float)
        except ValueError:
            for _ in range(count):
                self.number("an intensity")
            raise
        self.place += count
        return found


def parse(lines: list[str]) -> File:
    """The file; raises InputError where it is not whole, naming the line."""
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    reader = _Lines(lines)
    reader.place = first  # some instruments begin with empty lines
    found = File()
    reader.text("the name of the format")
    for name in ("institution", "instrument", "operator", "experiment"):
        found.entries[name] = reader.text(f"the {name}")
    found.comments = reader.texts(reader.count("the number of comment lines"), "a comment")
    mode, scan = reader.text("the experiment mode").upper(), reader.text("the scan mode").upper()
    if mode not in _MODES:
        reader.fail(f"'{mode}' is no experiment mode of the standard")
    if scan not in ("REGULAR", "IRREGULAR"):
        reader.fail(f"the scan mode '{scan}' holds no spectra that are read here (REGULAR and IRREGULAR are)")
    found.entries |= {"mode": mode, "scan": scan}
    if mode in ("MAP", "MAPDP", "NORM", "SDP"):
        reader.count("the number of regions")
    if mode in ("MAP", "MAPDP"):
        reader.texts(3, "the size of the map")
    count = reader.count("the number of experimental variables")
    variables = [(reader.text("the label of a variable"), reader.text("its unit")) for _ in range(count)]
    if reader.count("the number of entries in the inclusion list"):
        reader.fail("an inclusion list leaves entries of the blocks out; such files are not read")
    reader.texts(reader.count("the number of manually entered items"), "an item")
    ahead, each = reader.count("the number of future entries"), reader.count("the number of future block entries")
    reader.texts(ahead, "a future entry")
    for number in range(reader.count("the number of blocks", 100_000)):
        reader.within = f"block {number + 1}"
        found.blocks.append(_block(reader, number + 1, mode, scan, variables, each))
    return found


def _block(reader: _Lines, number: int, mode: str, scan: str, variables: list[tuple[str, str]], future: int) -> Block:
    block = Block(number, reader.text("its name"), reader.text("its sample"))
    block.date = tuple(reader.number("its date and time") for _ in range(7))
    block.comments = reader.texts(reader.count("the number of comment lines"), "a comment")
    block.technique = reader.text("the technique")
    if mode in ("MAP", "MAPDP"):
        reader.texts(2, "its place in the map")
    block.variables = {label: (unit, reader.number(f"the variable '{label}'")) for label, unit in variables}
    block.source = reader.text("the source")
    if mode in _SPUTTERED or block.technique in _IONS:
        reader.texts(3, "the sputtering ion")
    _known(block, reader, "photon energy", "source power", "beam width x", "beam width y")
    if mode in ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM"):
        reader.texts(2, "the field of view")
    if mode in ("MAPSV", "MAPSVDP", "SEM"):
        reader.texts(6, "a line scan's ends")
    _known(block, reader, "source polar angle", "source azimuth")
    block.analyser_mode = reader.text("the analyser mode")
    _known(block, reader, "pass energy", *(["differential width"] if block.technique == "AES diff" else []))
    _known(block, reader, "magnification", "work function", "bias", "width x", "width y", "polar angle", "azimuth")
    block.species, block.transition = reader.text("the species"), reader.text("the transition")
    reader.number("the charge of the particles")
    _axes(block, reader, scan)
    block.signal_mode = reader.text("the signal mode")
    _known(block, reader, "dwell time", "sweeps", "dead time")
    if mode in _SPUTTERED and block.technique in ("AES diff", "AES dir", "AES", "EDX", "ELS", "UPS", "XPS", "XRF"):
        reader.texts(7, "the sputter source")
    _known(block, reader, "tilt", "tilt azimuth", "rotation")
    for _ in range(reader.count("the number of further parameters")):
        label, _unit = reader.text("a parameter's label"), reader.text("its unit")
        block.numbers[f"parameter {label}"] = reader.number(f"the parameter '{label}'")
    reader.texts(future, "a future entry")
    _columns(block, reader, scan)
    return block


def _known(block: Block, reader: _Lines, *names: str) -> None:
    for name in names:
        value = reader.number(f"the {name}")
        if abs(value) < _UNKNOWN:
            block.numbers[name] = value


def _axes(block: Block, reader: _Lines, scan: str) -> None:
    """The labels of the columns; a REGULAR block has its abscissa as a start and a step instead of a column."""
    if scan == "REGULAR":
        block.labels.append((reader.text("the label of the abscissa"), reader.text("its unit")))
        block.numbers |= {"start": reader.number("the start"), "step": reader.number("the step")}
    count = reader.count("the number of variables", 1000)
    block.labels += [(reader.text("the label of a variable"), reader.text("its unit")) for _ in range(count)]
    if count < (1 if scan == "REGULAR" else 2):
        reader.fail(f"{count} variables are no spectrum")


def _columns(block: Block, reader: _Lines, scan: str) -> None:
    count = len(block.labels) - (scan == "REGULAR")
    total = reader.count("the number of values")
    if total < count or total % count:
        reader.fail(f"{total} values do not divide into {count} columns")
    reader.texts(2 * count, "the least and largest value of a variable")
    columns = list(reader.values(total).reshape(-1, count).T)
    if scan == "REGULAR":
        columns.insert(0, block.numbers["start"] + block.numbers["step"] * np.arange(total // count))
    block.columns = columns
