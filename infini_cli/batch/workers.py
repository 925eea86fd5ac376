"""Processes that work on books side by side, each on one unit at a time.

Whoever hands out books and keeps the ledger stays one process. A worker that dies, by a signal or
for want of memory, takes no more with it than its work on one book, or on a few small ones: another
goes on where their memories were last saved. Workers whose parent has died end too.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import connection as connections
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from infini_cli.batch.work import Ends, Result, Unit, Waiting, Work, is_about_books
from infini_cli.errors import InfiniError
from infini_cli.progress import Event, Progress

SECONDS_TO_SAVE = 10.0
"""That a worker has, once told to stop."""


@dataclass(slots=True)
class _Worker:
    """A process, this end of its pipe, and the unit that it works on.

    Attributes:
        left: books of the unit whose end was not heard yet; none of an idle worker.
    """

    process: SpawnProcess
    pipe: Connection
    unit: Unit = ()
    left: Unit = ()


class Workers:
    """Works on books with several processes.

    Args:
        work: what is done with each book; it is pickled.
        num_workers: processes, at least one.
        progress: told what workers tell of the books, except how far they are.
    """

    def __init__(self, work: Work, num_workers: int, progress: Progress) -> None:
        self._work, self._num_workers, self._progress = work, num_workers, progress
        self._workers: list[_Worker] = []
        self._waiting = Waiting(())

    def run(self, units: Iterable[Unit]) -> Ends:
        """Work on books; yields each as it ends, in whatever order that is.

        Closing the iterator, or an interruption, stops the workers; they save what they read.

        Args:
            units: the next is taken when a worker is free for it.
        """
        self._waiting = Waiting(units)
        try:
            while True:
                self._hand_out()
                busy = {worker.pipe: worker for worker in self._workers if worker.left}
                if not busy:
                    return
                for pipe in connections.wait(list(busy)):
                    yield from self._hear(busy[pipe])  # type: ignore[index]
        finally:
            self._stop()

    def _hand_out(self) -> None:
        """Give every free worker a unit, as long as there are any."""
        while sum(bool(worker.left) for worker in self._workers) < self._num_workers:
            unit = self._waiting.take()
            if not unit:
                return
            worker = next((one for one in self._workers if not one.left), None)
            if worker is None:
                worker = self._start()
            worker.unit = worker.left = unit
            try:
                worker.pipe.send(unit)
            except OSError:  # it died idle
                self._bury(worker)

    def _hear(self, worker: _Worker) -> Iterator[tuple[Path, Result | InfiniError]]:
        """Take one message of a worker; yields the next book of its unit if that has ended."""
        try:
            message: Event | Result | InfiniError = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if not isinstance(message, Result | InfiniError):
            self._progress(message)
            return
        path, *left = worker.left
        worker.left = tuple(left)
        yield path, message

    def _bury(self, worker: _Worker) -> list[tuple[Path, InfiniError]]:
        """Take a dead worker's books back; gives the one that cost too many workers already."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        code = worker.process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        return self._waiting.lose(worker.unit, worker.left, how)

    def _start(self) -> _Worker:
        # Never forked: a copy of a process that has threads may hang.
        context = get_context("spawn")
        here, there = context.Pipe()
        threads = max(1, num_cores() // self._num_workers)
        process = context.Process(
            target=_work_on_books,
            args=(self._work, there, threads),
            daemon=True,
        )
        process.start()
        there.close()  # else the end of the worker would not be heard
        worker = _Worker(process, here)
        self._workers.append(worker)
        return worker

    def _stop(self) -> None:
        for worker in self._workers:
            if worker.left:
                worker.process.terminate()
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(SECONDS_TO_SAVE)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
        self._workers.clear()


def num_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _work_on_books(work: Work, pipe: Connection, num_threads: int) -> None:
    """Be a worker: take units from the pipe until it is closed."""
    # Before torch is imported: workers share the cores.
    os.environ["OMP_NUM_THREADS"] = str(num_threads)
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(event: Event) -> None:
        if is_about_books(event):
            pipe.send(event)

    try:
        while True:
            for _, end in work.on(pipe.recv(), tell):
                pipe.send(end)
    except (EOFError, OSError, KeyboardInterrupt):
        return  # stopped, or nobody listens any more


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
