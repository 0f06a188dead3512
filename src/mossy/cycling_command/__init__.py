"""`mossy cycling`: every cell among files and folders studied, a report each, and tables of all; `mossy describe`."""

from __future__ import annotations

import contextlib
import math
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mossy.commands import made_folder, patient, stage_bar, versions_used, write_json
from mossy.cycling_command import store
from mossy.cycling_command.cells import CellFiles, grouped
from mossy.cycling_command.store import Rows
from mossy.cycling_command.worker import Done, Task, remove, work
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
    """Everything among `paths` into `out`. The exit code: 0, or 1 where a file or a cell was left out.

    The tables also keep the cells of earlier runs into the same folder, as long as their files exist.
    """
    if wanted.reports not in REPORTS:
        raise InputError(f"'{wanted.reports}' is no choice", key="--reports", remedy=suggest(wanted.reports, REPORTS))
    area = to_si(wanted.area, "m^2", "--area") if wanted.area is not None else None
    with patient() as check:
        cells, skipped = _found(paths)
        folder = made_folder(out)
        earlier = store.earlier(folder)
        tasks, kept, said = _tasks(cells, paths, folder, wanted, area, earlier)
        rows = Rows()
        results: list[Done] = []
        for each in kept:
            rows.add(each)
        with stage_bar(quiet, check) as progress:
            stopped = _run(tasks, results, progress)
        for done in results:
            rows.add(done.rows)
        others = _others(earlier.values(), {cell.name for cell in cells})
        said += _finish(rows, others, results, cells, skipped, folder, new=bool(tasks))
    from mossy.cycling_command.say import say

    return say(rows, skipped, folder, said, reused=len(kept), others=len(others.cells), stopped=stopped)


def _others(earlier: Iterable[Rows], names: set[str]) -> Rows:
    """The rows of cells that are not of this run and whose files are still there."""
    others = Rows()
    for each in earlier:
        if each.cells[0]["cell"] not in names and each.files and all(Path(row["file"]).exists() for row in each.files):
            others.add(each)
    return others


def _found(paths: Sequence[Path]) -> tuple[list[CellFiles], list[tuple[Path, str]]]:
    """The cells, and what is plainly no measurement with the reason."""
    seen: set[str] = set()
    files, skipped = [], []
    for path, named in files_among(paths):
        known = os.path.realpath(path)  # resolve() ends in a RuntimeError at a link that leads to itself
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
    cells: Sequence[CellFiles],
    paths: Sequence[Path],
    folder: Path,
    wanted: Wanted,
    area: float | None,
    earlier: dict[str, Rows],
) -> tuple[list[Task], list[Rows], list[str]]:
    """What is to be done, the rows of an earlier run that still hold, and what is to be said of descriptions."""
    from mossy.analysis import cell_description

    versions = versions_used()
    folders = [path for path in paths if path.is_dir()]
    report = wanted.reports == "all" or (wanted.reports == "auto" and len(cells) <= _FEW)
    tasks, kept = [], []
    described: dict[Path, list[Path]] = {}
    for cell in cells:
        top = next((each for each in folders if each in cell.files[0].parents), None)
        options = dict(wanted.options or {})
        said = cell_description.files_for(cell.files[0], top=top)
        for file in said:
            described.setdefault(file, []).append(cell.files[0])
        mark = store.fingerprint(cell.files, said, options | {"area": area, "cell": cell.name})
        where = folder / "cells" / _safe(cell.name)
        done = None if wanted.fresh else earlier.get(mark)
        if done and (not report or (where / "report.html").exists() or not _reported(done)):
            kept.append(done)
            continue
        tasks.append(Task(cell, top, where, report, options, area, mark, versions))
    return tasks, kept, cell_description.unmatched(described) if folders else []


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
        size = 1 if tasks[0].report else _CHUNK
        pool = ProcessPoolExecutor(
            min(cores, math.ceil(len(tasks) / size)), multiprocessing.get_context("spawn"), initializer=_deaf
        )
        try:
            chunks = [tasks[k : k + size] for k in range(0, len(tasks), size)]
            for future in as_completed([pool.submit(_work_all, chunk) for chunk in chunks]):
                yield from future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _deaf() -> None:
    """A Ctrl-C is for the process that shares out the work; this one finishes its cell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    others: Rows,
    results: Sequence[Done],
    cells: Sequence[CellFiles],
    skipped: Sequence[tuple[Path, str]],
    folder: Path,
    *,
    new: bool,
) -> list[str]:
    """The tables and the report of all; nothing is written anew where nothing was done. Returns what is to be said."""
    _duplicates(rows, results)
    every = Rows()
    every.add(rows)
    every.add(others)
    order = {cell.name: place for place, cell in enumerate(cells)}
    for name in store.TABLES:
        getattr(every, name).sort(key=lambda row: order.get(row["cell"], len(order)))
        getattr(rows, name).sort(key=lambda row: order.get(row["cell"], len(order)))
    for row in every.cells:
        report = folder / "cells" / _safe(row["cell"]) / "report.html"
        row["report"] = str(report) if report.exists() else None
    gone = _without_a_row(folder, every)
    if not new and not gone and (folder / "report.html").exists():
        return []
    problem = store.write(folder, every)
    from mossy.cycling_command.folder_content import folder_content, folder_summary
    from mossy.report.cycling_page import write_folder_report

    write_json(folder / "summary.json", folder_summary(every, skipped))
    write_folder_report(folder / "report.html", folder_content(every, skipped, folder, versions_used()))
    return [problem] if problem else []


def _without_a_row(folder: Path, every: Rows) -> bool:
    """Takes away what was written of cells that are no more; whether there was any."""
    kept = {_safe(row["cell"]) for row in every.cells}
    left = [each for each in (folder / "cells").glob("*") if each.name not in kept and (each / "summary.json").exists()]
    for each in left:
        remove(each)
    return bool(left)


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
