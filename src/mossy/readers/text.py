"""Text tables from anywhere: any delimiter, either decimal mark, lines above the header, names with their units.

Options: `missing="drop"` leaves incomplete rows out, `delimiter` and `decimal` overrule what the file suggests, and
`constants={"test_time_second": "20 min"}` adds what the file does not say but the caller knows,
`imaginary_sign="positive"` turns Z'' where the file holds -Z'' without saying so (a heading -Z'' says so, and is left
alone), and `area="1.54 cm^2"` is the electrode area, needed for a spectrum in ohm cm2.

Two kinds of table are read without units or names, and say so in their warnings: a spectrum whose columns are named
but without units (Hz and ohm are taken), and three nameless columns of numbers of which the first can only be the
frequencies of one sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mossy.errors import InputError, suggest
from mossy.readers.base import Reader, Request, column_of, columns_remedy, read_bytes
from mossy.readers.counters import counted_columns
from mossy.readers.derived import AREA_OPTION, SIGN_CARRIERS
from mossy.readers.headings import conversion, negated, recognise, recognise_bare
from mossy.readers.preamble import described
from mossy.readers.spectra import SIGN_OPTION, are_frequencies, looks_like_kilohertz
from mossy.readers.tables import ESSENTIAL, Measured, assemble, records_in
from mossy.readers.text_grid import (
    Grid,
    Header,
    decode,
    find_header,
    find_nameless,
    find_names_above_units,
    find_numbers,
    grid_under,
    split_cells,
)
from mossy.records import TEXT_COLUMNS, Record, known_names, unit_of
from mossy.units import split

if TYPE_CHECKING:
    import polars as pl

EXTENSIONS = (".csv", ".txt", ".tsv", ".dat", ".asc")
OPTIONS = ("columns", "missing", "delimiter", "decimal", "constants", SIGN_OPTION, AREA_OPTION)
_SPECTRUM = ("frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm")
_POLAR = ("frequency_hertz", "absolute_impedance_ohm", "phase_degree")
_NAMELESS = ("Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)")


def sniff(path: Path, head: bytes) -> bool:
    """Anything that is text: this reader is asked last."""
    return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def read(path: Path, request: Request) -> list[Record]:
    """The records of a text table."""
    lines = decode(read_bytes(path), path)
    try:
        return records_in(measured_in(lines, request), request)
    except InputError as error:
        if path.suffix.lower() in EXTENSIONS or request.columns:
            raise
        problem = f"'{path.suffix}' is no format known here, and as a text table it cannot be read: {error.problem}"
        raise InputError(problem, key=error.key, remedy="export it as a table with named columns (csv)") from None


def measured_in(lines: Sequence[str], request: Request) -> Measured:
    """The table among some lines: below its names, or a sweep that has none."""
    nameless = None if request.columns else _nameless_sweep(lines, request)
    if nameless is None:
        return measure(lines, _header(lines, request), request)
    warning = (
        "the file has no headings: its three columns were understood as frequency in Hz, Z' and Z'' in ohm, because "
        "the first is spaced like a sweep"
    )
    return _noting_kilohertz(measure(lines, nameless, request).noting(warnings=[warning]))


def _nameless_sweep(lines: Sequence[str], request: Request) -> Header | None:
    found = find_nameless(lines, 3, _delimiter(request))
    if found is None:
        return None
    header, numbers = found
    unmistakable = are_frequencies(numbers[:, 0]) and (numbers[:, 1] > 0.0).mean() > 0.5
    return Header(header.index, header.delimiter, _NAMELESS) if unmistakable else None


def _noting_kilohertz(measured: Measured) -> Measured:
    """Frequencies of unknown unit, with a warning where they look like kilohertz."""
    frequency = measured.frame["frequency_hertz"].drop_nulls().to_numpy()
    if not looks_like_kilohertz(frequency[frequency > 0.0]):
        return measured
    warning = (
        f"the frequencies, from {frequency.min():.3g} to {frequency.max():.3g}, have no unit and were taken as Hz, but "
        "look like kHz: then every time constant found is 1000 times too long and every capacitance 1000 times too "
        "large; name the column and its unit"
    )
    return measured.noting(warnings=[warning])


def _delimiter(request: Request) -> str | None:
    delimiter = request.options.get("delimiter")
    if delimiter is not None and (not isinstance(delimiter, str) or not delimiter):
        raise InputError(f"{delimiter!r} is not a delimiter", key="delimiter", remedy='write delimiter=";"')
    return delimiter


def _header(lines: Sequence[str], request: Request) -> Header:
    """Where the table starts: below its names, or where the columns named by number hold numbers."""
    delimiter = _delimiter(request)
    named = [column_of(name, given)[0] for name, given in (request.columns or {}).items()]
    numbers = [column - 1 for column in named if isinstance(column, int)]
    headings = {column.strip() for column in named if isinstance(column, str)}
    header = find_header(lines, lambda cell: cell in headings or recognise(cell) is not None, delimiter)
    header = header or find_names_above_units(lines, lambda cell: recognise(cell) is not None, delimiter)
    if header is None and not named:
        bare = find_header(lines, lambda cell: (recognise(cell) or recognise_bare(cell)) is not None, delimiter)
        header = bare if bare and _without_units(bare.names, choose_columns(bare.names, 0, request)) else None
    if header is None and len(headings) == 1:  # one name alone is no proof of a header, unless it was asked for
        header = next((found for found in _lines_with(lines, headings, delimiter)), None)
    if header is None and numbers and not headings:
        header = find_numbers(lines, numbers, delimiter)
    if header is None:
        first = next(line.strip() for line in lines if line.strip())
        wanted = f"the columns {', '.join(map(repr, headings))}" if headings else "columns that can be recognised"
        raise InputError(
            f"no table with {wanted} was found; it starts with '{first[:60]}'", remedy=columns_remedy([first])
        )
    return header


def _lines_with(lines: Sequence[str], headings: set[str], delimiter: str | None) -> list[Header]:
    marks = ("\t", ";", ",", "  ", " ") if delimiter is None else (delimiter,)
    found = ((index, mark, split_cells(line, mark)) for index, line in enumerate(lines[:400]) for mark in marks)
    return [Header(index, mark, tuple(cells)) for index, mark, cells in found if headings & set(cells)]


def measure(lines: Sequence[str], header: Header, request: Request) -> Measured:
    """The table below a header, in machine names and their units."""
    decimal = request.options.get("decimal")
    if decimal not in (None, ".", ","):
        raise InputError(f"{decimal!r} is not a decimal mark", key="decimal", remedy='write decimal="," or "."')
    grid = grid_under(lines, header, decimal)
    chosen = choose_columns(header.names, grid.width, request)
    unlabelled = _without_units(header.names, chosen)
    chosen |= unlabelled
    columns: dict[str, Any] = {}
    for name, (place, scale, offset) in chosen.items():
        values = _values(grid, name, place, header, (scale, offset))
        if values is not None:
            columns[name] = values
    read = set(columns)
    columns |= constants(request, len(grid.lines))
    columns, left_out, told = counted_columns(columns, grid.lines)
    places = {chosen[name][0] for name in read.difference(left_out)}
    unread = [name for place, name in enumerate(header.names) if place not in places and name]
    metadata = described(lines[: max(header.index, 0)])
    if unread:
        metadata["columns_not_read"] = unread
    says_minus = sign_said(header.names, chosen)
    measured = Measured(assemble(columns, height=len(grid.lines)), grid.lines, "line", metadata, says_minus)
    measured = measured.noting(warnings=told + why_left_out(header.names, chosen, left_out))
    if lines[-1].strip():
        measured = measured.noting(warnings=["the last line has no line end: see whether the file was cut short"])
    if unlabelled and set(unlabelled) <= set(columns):
        named = ", ".join(f"'{header.names[place]}' as {unit_of(name)}" for name, (place, _, _) in unlabelled.items())
        measured = measured.noting(warnings=[f"columns without a unit were read: {named}"])
        measured = _noting_kilohertz(measured) if "frequency_hertz" in unlabelled else measured
    return measured


def _values(grid: Grid, name: str, place: int, header: Header, way: tuple[float, float]) -> pl.Series | None:
    if name in TEXT_COLUMNS:
        return grid.words(place)
    heading = header.names[place] if place < len(header.names) else f"column {place + 1}"
    values = grid.numbers(place, heading)
    if values is None:
        if name in ESSENTIAL:
            raise InputError(f"'{heading}' holds no numbers", remedy="check the file and its delimiter")
        return None
    return values if way == (1.0, 0.0) else values * way[0] + way[1]


def choose_columns(names: Sequence[str], width: int, request: Request) -> dict[str, tuple[int, float, float]]:
    """Machine name -> (index of the column, scale, offset): as the caller mapped them, else as their headings say."""
    chosen: dict[str, tuple[int, float, float]] = {}
    for name, given in (request.columns or {}).items():
        column, unit = column_of(name, given)
        try:
            way = (1.0, 0.0) if name in TEXT_COLUMNS else conversion(unit, name)
        except InputError as error:
            raise error.at(f"columns.{name}") from None
        place = _place(column, names, width, name)
        if name in SIGN_CARRIERS and place < len(names) and negated(names[place]):
            way = (-way[0], way[1])
        chosen[name] = (place, *way)
    taken = {place for place, _, _ in chosen.values()}
    mapped = set(chosen)
    for place, written in enumerate(names):
        heading = recognise(written)
        if heading is None or place in taken or heading.name in mapped:
            continue
        if heading.name in chosen and heading.name in ESSENTIAL:
            both = f"'{names[chosen[heading.name][0]]}' and '{written}'"
            raise InputError(
                f"both {both} could be {heading.name}", key="columns", remedy=columns_remedy([heading.name])
            )
        chosen.setdefault(heading.name, (place, heading.scale, heading.offset))
    return chosen


def why_left_out(
    names: Sequence[str], chosen: Mapping[str, tuple[int, float, float]], left_out: Mapping[str, str]
) -> list[str]:
    """What a person should know of counters of charge that were not read."""
    return [f"the column '{names[chosen[name][0]]}' was not read: {why}" for name, why in left_out.items() if why]


def sign_said(names: Sequence[str], chosen: Mapping[str, tuple[int, float, float]]) -> str:
    """The heading of the column that Z'' is read from where it says that it holds the other sign, or nothing."""
    wanted = next((name for name in SIGN_CARRIERS if name in chosen), None)
    place = chosen[wanted][0] if wanted else len(names)
    return names[place] if place < len(names) and negated(names[place]) else ""


def _without_units(
    names: Sequence[str], chosen: Mapping[str, tuple[int, float, float]]
) -> dict[str, tuple[int, float, float]]:
    """The columns that make a spectrum whole if those named without a unit are taken as Hz, ohm and degree."""
    taken = {place for place, _, _ in chosen.values()}
    bare = [(place, recognise_bare(name)) for place, name in enumerate(names) if name and place not in taken]
    found = {heading.name: (place, heading.scale, heading.offset) for place, heading in bare if heading}
    if len(found) < sum(heading is not None for _, heading in bare):
        return {}
    known = {*chosen, *found, *(["frequency_hertz"] if "__angular_frequency" in chosen else [])}
    for wanted in (_SPECTRUM, _POLAR):
        if set(wanted) <= known:
            return {name: found[name] for name in wanted if name in found and name not in chosen}
    return {}


def _place(column: str | int, names: Sequence[str], width: int, name: str) -> int:
    if isinstance(column, str):
        if column.strip() not in names:
            problem = f"there is no column '{column}'"
            raise InputError(problem, key=f"columns.{name}", remedy=suggest(column, filter(None, names)))
        return list(names).index(column.strip())
    if column > width:
        raise InputError(f"there is no column {column}", key=f"columns.{name}", remedy=f"the table has {width}")
    return column - 1


def constants(request: Request, height: int) -> dict[str, Any]:
    """Columns the caller knows: one value with its unit for every row."""
    given = request.options.get("constants") or {}
    if not isinstance(given, Mapping):
        raise InputError("is not a map of names to values", key="constants", remedy=_CONSTANTS_REMEDY)
    columns: dict[str, Any] = {}
    for name, text in given.items():
        key = f"constants.{name}"
        if name not in known_names() or name in TEXT_COLUMNS:
            raise InputError(f"'{name}' is not a column Mossy knows", key=key, remedy=suggest(str(name), known_names()))
        if not isinstance(text, str):
            raise InputError(f"{text!r} has no unit", key=key, remedy=_CONSTANTS_REMEDY)
        number, unit = split(text, key)
        try:
            scale, offset = conversion(unit if unit_of(name) != "1" or unit else "", name)
        except InputError as error:
            raise error.at(key) from None
        columns[name] = [number * scale + offset] * height
    return columns


_CONSTANTS_REMEDY = 'write constants={"test_time_second": "20 min"}'

READER = Reader("text table", EXTENSIONS, sniff, read, OPTIONS)
