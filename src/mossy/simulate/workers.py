"""Processes that compute beside this one, each on one core: what a large batch on a CPU is spread over.

A process starts in some seconds, waits for work and ends with this one. Work is a function of a module with its
arguments, pickled both ways. (Threads of one process would do, but for XLA: two compiled loops run from two threads
wait for each other in its pool of CPU threads for ever.)
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

Report = Callable[[Any], None]
_REPORT, _RESULT, _ERROR = "report", "result", "error"
_WORKERS: list[subprocess.Popen[bytes]] = []


class WorkerLost(RuntimeError):
    """A worker ended before it answered (killed, or out of memory), or raised what nobody expected."""


def cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(function: str, tasks: Sequence[tuple[Any, ...]], report: Report) -> list[Any]:
    """Calls "module:name" with each tuple of arguments, each in a process of its own, all at once.

    The function gets one more argument, a callable whose argument is passed to `report` here (from several threads).
    Result: what each returned, or the WorkerLost of one that did not.
    """
    workers = _started(len(tasks))
    with ThreadPoolExecutor(len(tasks)) as threads:
        waiting = [
            threads.submit(_ask, worker, (function, task), report) for worker, task in zip(workers, tasks, strict=True)
        ]
        try:
            return [each.result() for each in waiting]
        except BaseException:  # before the threads are waited for: they wait for their workers
            close()
            raise


def _ask(worker: subprocess.Popen[bytes], work: Any, report: Report) -> Any:
    try:
        pickle.dump(work, worker.stdin)  # type: ignore[arg-type]
        worker.stdin.flush()  # type: ignore[union-attr]
        while True:
            kind, value = pickle.load(worker.stdout)  # type: ignore[arg-type]
            if kind == _REPORT:
                report(value)
            else:
                return value if kind == _RESULT else WorkerLost(value)
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        worker.kill()
        return WorkerLost(f"a worker process ended early ({error!r})")


def _started(count: int) -> list[subprocess.Popen[bytes]]:
    """As many processes as asked for, those that live already first."""
    _WORKERS[:] = [worker for worker in _WORKERS if worker.poll() is None]
    while len(_WORKERS) < count:
        _WORKERS.append(
            subprocess.Popen(
                [sys.executable, "-c", f"import {__name__} as workers; workers.main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "NPROC": "1"},  # one thread in XLA's pool: the other cores have workers of their own
                start_new_session=True,  # Ctrl-C reaches this process, which ends them
            )
        )
    return _WORKERS[:count]


@atexit.register
def close() -> None:
    """Ends all workers."""
    for worker in _WORKERS:
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # it died with something unsent
                    pipe.close()
    _WORKERS.clear()


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """What a worker does: reads work, does it, writes what came of it, until nothing more can come."""

    def send(kind: str, value: Any) -> None:
        pickle.dump((kind, value), sink)
        sink.flush()

    while True:
        try:
            function, arguments = pickle.load(source)
        except EOFError:
            return
        module, name = function.split(":")
        try:
            result = getattr(importlib.import_module(module), name)(*arguments, lambda value: send(_REPORT, value))
        except Exception as error:  # noqa: BLE001  # whatever it is, the asking process decides
            send(_ERROR, repr(error))
        else:
            send(_RESULT, result)


def main() -> None:
    """The whole life of a worker process."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    serve(sys.stdin.buffer, answers)


__all__ = ["WorkerLost", "close", "cores", "main", "serve", "spread"]
