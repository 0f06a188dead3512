"""`mossy cycling`: every cell among files and folders studied, a report each, and tables of all; `mossy describe`."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mossy.commands import made_folder, patient, stage_bar, versions_used, write_json
from mossy.cycling_command import store
from mossy.cycling_command.cells import CellFiles, grouped
from mossy.cycling_command.store import Rows
from mossy.cycling_command.worker import Done, Task, work
from mossy.errors import InputError, suggest
from mossy.readers.many import files_among, not_a_measurement
from mossy.units import to_si

REPORTS = ("auto", "all", "none")
_FEW = 12
"""So many cells or fewer get a report each with `--reports auto`."""
_CHUNK = 4


@dataclass(frozen=True)
class Wanted:
    """What the caller of `mossy cycling` asked for."""

    area: str | None = None
    reports: str = "auto"
    fresh: bool = False
    options: dict[str, Any] | None = None


def analyse(paths: Sequence[Path], wanted: Wanted, out: Path, quiet: bool) -> int:
    """Everything among `paths` into `out`. The exit code: 0, or 1 where a file or a cell was left out."""
    if wanted.reports not in REPORTS:
        raise InputError(f"'{wanted.reports}' is no choice", key="--reports", remedy=suggest(wanted.reports, REPORTS))
    area = to_si(wanted.area, "m^2", "--area") if wanted.area is not None else None
    with patient() as check:
        cells, skipped = _found(paths)
        folder = made_folder(out)
        tasks, kept = _tasks(cells, paths, folder, wanted, area)
        rows = Rows()
        results: list[Done] = []
        for each in kept:
            rows.add(each)
        with stage_bar(quiet, check) as progress:
            stopped = _run(tasks, results, progress)
        for done in results:
            rows.add(done.rows)
        _finish(rows, results, cells, skipped, folder, single=len(cells) == 1, new=bool(tasks))
    from mossy.cycling_command.say import say

    return say(rows, skipped, folder, reused=len(kept), stopped=stopped)


def _found(paths: Sequence[Path]) -> tuple[list[CellFiles], list[tuple[Path, str]]]:
    """The cells, and what is plainly no measurement with the reason."""
    seen: set[Path] = set()
    files, skipped = [], []
    for path, named in files_among(paths):
        known = path.resolve()
        if known in seen:
            continue
        seen.add(known)
        if not named and _own(path):
            continue
        reason = None if named else not_a_measurement(path)
        if reason:
            skipped.append((path, f"skipped: {reason}"))
        else:
            files.append(path)
    if not files:
        shown = ", ".join(map(str, paths))
        raise InputError("holds no file that could be a measurement", file=shown, remedy="give files, or their folder")
    return grouped(files, [path for path in paths if path.is_dir()]), skipped


_WRITTEN = {*(f"{name}.parquet" for name in store.TABLES), "mossy.duckdb", "summary.json", "report.html"}


def _own(path: Path) -> bool:
    """Whether a file is one that this command has written."""
    folders = (path.parent, *path.parent.parents[:2])  # those of single cells lie in cells/NAME
    return path.name in _WRITTEN and any((folder / "mossy.duckdb").exists() for folder in folders)


def _tasks(
    cells: Sequence[CellFiles], paths: Sequence[Path], folder: Path, wanted: Wanted, area: float | None
) -> tuple[list[Task], list[Rows]]:
    """What is to be done, and the rows of an earlier run that still hold."""
    from mossy.analysis import cell_description

    earlier = {} if wanted.fresh else store.earlier(folder)
    versions = versions_used()
    folders = [path for path in paths if path.is_dir()]
    report = wanted.reports == "all" or (wanted.reports == "auto" and len(cells) <= _FEW)
    tasks, kept = [], []
    for cell in cells:
        top = next((each for each in folders if each in cell.files[0].parents), None)
        options = dict(wanted.options or {})
        said = cell_description.files_for(cell.files[0], top=top)
        mark = store.fingerprint(cell.files, said, options | {"area": area, "cell": cell.name})
        where = folder if len(cells) == 1 else folder / "cells" / _safe(cell.name)
        if mark in earlier and (not report or (where / "report.html").exists() or not _reported(earlier[mark])):
            kept.append(earlier[mark])
            continue
        tasks.append(Task(cell, top, where, report, options, area, mark, versions))
    return tasks, kept


def _reported(rows: Rows) -> bool:
    return rows.cells[0]["status"] in ("ok", "part")


def _safe(name: str) -> str:
    """A cell's name as a folder's."""
    return "".join(letter if letter.isalnum() or letter in " ._-+()" else "_" for letter in name).strip(". ") or "cell"


def _run(tasks: Sequence[Task], results: list[Done], progress: Callable[[str, int, int], None]) -> bool:
    """The tasks done, in other processes where there are many; True where a Ctrl-C ended it early."""
    try:
        progress("reading", 0, len(tasks))
        for done in _outcomes(tasks):
            results.append(done)
            progress(f"{len(results)} of {len(tasks)} cells", len(results), len(tasks))
    except KeyboardInterrupt:
        return True
    return False


def _outcomes(tasks: Sequence[Task]) -> Iterator[Done]:
    cores = os.cpu_count() or 1
    if len(tasks) <= 3 * _CHUNK or cores == 1:
        yield from map(work, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    with _one_thread_each():
        pool = ProcessPoolExecutor(min(cores, math.ceil(len(tasks) / _CHUNK)), multiprocessing.get_context("spawn"))
        try:
            chunks = [tasks[k : k + _CHUNK] for k in range(0, len(tasks), _CHUNK)]
            for future in as_completed([pool.submit(_work_all, chunk) for chunk in chunks]):
                yield from future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _work_all(tasks: Sequence[Task]) -> list[Done]:
    return [work(task) for task in tasks]


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile use one thread each: there is one of them for each core."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _finish(
    rows: Rows,
    results: Sequence[Done],
    cells: Sequence[CellFiles],
    skipped: Sequence[tuple[Path, str]],
    folder: Path,
    *,
    single: bool,
    new: bool,
) -> None:
    """The tables, and the report of all; nothing is written anew where nothing was done."""
    _duplicates(rows, results)
    order = {cell.name: place for place, cell in enumerate(cells)}
    for name in store.TABLES:
        getattr(rows, name).sort(key=lambda row: order.get(row["cell"], len(order)))
    for row in rows.cells:
        where = folder if single else folder / "cells" / _safe(row["cell"])
        row["report"] = str(where / "report.html") if (where / "report.html").exists() else None
    if not new and (folder / "report.html").exists():
        return
    store.write(folder, rows)
    if not single:
        from mossy.cycling_command.folder_content import folder_content, folder_summary
        from mossy.report.cycling_page import write_folder_report

        write_json(folder / "summary.json", folder_summary(rows, skipped))
        write_folder_report(folder / "report.html", folder_content(rows, skipped, folder, versions_used()))


def _duplicates(rows: Rows, results: Iterable[Done]) -> None:
    """Marks cells whose file is the same test as another's."""
    from mossy.readers.duplicates import twins

    prints = {path: mark for done in results for path, mark in done.prints.items()}
    kept, _ = twins(prints)
    of = {row["file"]: row["cell"] for row in rows.files}
    names = {of[str(path)]: of[str(other)] for path, other in kept.items() if of[str(path)] != of[str(other)]}
    for row in rows.cells:
        row["duplicate_of"] = names.get(row["cell"], row.get("duplicate_of"))


def describe_file(path: Path) -> str:
    """`mossy describe`: a commented draft of cell.toml."""
    from mossy import readers
    from mossy.analysis import cell_description

    if path.is_dir():
        file = next((each for each, _ in files_among([path]) if not not_a_measurement(each)), None)
        if file is None:
            raise InputError("holds no file that could be a measurement", file=path, remedy="give a file")
        path = file
    return cell_description.describe(readers.read(path))
