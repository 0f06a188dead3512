"""One cell from its files to its rows, summary and report, in whichever process it runs. Never raises for data."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mossy.cycling_command.cells import CellFiles
from mossy.cycling_command.store import Rows
from mossy.errors import InputError
from mossy.readers.duplicates import Fingerprint, fingerprint
from mossy.readers.many import FileRead, read_one
from mossy.records import Record


@dataclass(frozen=True)
class Task:
    """A cell to study: its files, the folder for its summary and report (None: not written), what the reading needs."""

    cell: CellFiles
    top: Path | None
    folder: Path
    report: bool
    options: Mapping[str, Any]
    area: float | None
    mark: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Done:
    """What became of a cell: its rows, and what each of its files is known by."""

    rows: Rows
    prints: Mapping[Path, Fingerprint] = field(default_factory=dict)


def work(task: Task) -> Done:
    """A cell studied and written; of one that is refused nothing of an earlier run stays."""
    done = _worked(task)
    if done.rows.cells[0]["status"] not in ("ok", "part"):
        remove(task.folder)
    return done


def remove(folder: Path) -> None:
    """Takes away what this command wrote of a cell, and the folder where nothing else is in it."""
    for name in ("summary.json", "report.html"):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _worked(task: Task) -> Done:
    try:
        return _work(task)
    except InputError as error:
        return _refused(task, str(error))
    except Exception as error:  # noqa: BLE001  one cell's bug must not take the other 499 with it
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"a defect of Mossy: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return _refused(task, f"{reason}; please report it with the file")


def _refused(task: Task, reason: str) -> Done:
    files = [
        {"file": str(path), "status": "refused", "reason": reason, "cell": task.cell.name, "records": 0}
        for path in task.cell.files
    ]
    return Done(Rows(cells=[_failed(task, reason)], files=files))


def _failed(task: Task, reason: str) -> dict[str, Any]:
    return {
        "cell": task.cell.name,
        "status": "refused",
        "files": len(task.cell.files),
        "notes": reason,
        "fingerprint": task.mark,
    }


def _work(task: Task) -> Done:
    from mossy.analysis import cell_description, cycling_study
    from mossy.cycling_command.cell_rows import rows_of, summary_of

    reads = [read_one(path, None, dict(task.options)) for path in task.cell.files]
    files = [_file_row(each, task.cell.name) for each in reads]
    records = [record for each in reads for record in each.records]
    if not records:
        return Done(Rows(cells=[_failed(task, "; ".join(each.problem or "" for each in reads))], files=files))
    prints = {each.path: mark for each in reads if (mark := fingerprint(each.records)) is not None}
    if not any(record.kind == "cycling" for record in records):
        return Done(Rows(cells=[_without_cycling(task, records)], files=files), prints)
    description, _ = cell_description.of_file(task.cell.files[0], top=task.top)
    if task.area is not None:
        description = description.model_copy(update={"area": task.area})
    records = _on_one_clock(records)
    found = cycling_study.study(task.cell.name, records, description, parts=task.report)
    status = "ok" if found.steps is not None and found.steps.half_cycles.height else "part"
    rows = rows_of(found, files, status, task.mark)
    task.folder.mkdir(parents=True, exist_ok=True)
    from mossy.commands import write_json

    write_json(task.folder / "summary.json", summary_of(found, files) | {"versions": dict(task.versions)})
    if task.report:
        _report(found, files, task)
    return Done(rows, prints)


def _report(found: Any, files: Sequence[Mapping[str, Any]], task: Task) -> None:
    from mossy.cycling_command.content import content_of
    from mossy.report.cycling_page import write_cycling_report

    write_cycling_report(task.folder / "report.html", content_of(found, files, task.versions))


def _file_row(each: FileRead, cell: str) -> dict[str, Any]:
    known = each.records[0].metadata if each.records else {}
    return {
        "file": str(each.path),
        "status": "refused" if each.problem else "read",
        "reason": each.problem,
        "cell": cell,
        "records": len(each.records),
        "rows": sum(record.table.height for record in each.records),
        "sha256": known.get("source_sha256"),
    }


def _without_cycling(task: Task, records: Sequence[Record]) -> dict[str, Any]:
    kinds = sorted({record.kind for record in records})
    hints = {"impedance": "; `mossy eis` reads spectra", "photoemission": "; `mossy xps` reads spectra"}
    hint = hints.get(kinds[0], "") if len(kinds) == 1 else ""
    reason = f"holds {' and '.join(kinds)} only, no cycling{hint}"
    return _failed(task, reason) | {"status": "no cycling"}


def _on_one_clock(records: Sequence[Record]) -> list[Record]:
    """The files of one experiment share its start; an export without a header has that of its siblings."""
    starts = [record.metadata["start_time"] for record in records if record.metadata.get("start_time")]
    files = {record.metadata.get("source_path") for record in records}
    if len(files) < 2 or len(set(starts)) != 1:
        return list(records)
    return [
        record if record.metadata.get("start_time") else record.with_metadata(start_time=starts[0])
        for record in records
    ]
