"""Books on the machines of a Ray cluster, each worker on one unit at a time.

The same as `workers.py` with processes elsewhere: whoever hands out books and keeps the
ledger stays one process, and a worker that is lost, with its machine or alone, loses no more than
its work on one unit. Books, models and the folder of kept memories have to be where every machine
sees them under the same path.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infini_cli.batch.work import Ends, Result, Unit, Waiting, Work, is_about_books
from infini_cli.errors import InfiniError, UsageError
from infini_cli.paths import HOME_VARIABLE
from infini_cli.progress import Event, Progress

LOCAL = "local"
"""In place of an address: a cluster of this machine alone, begun for the run."""
SECONDS_TO_ANSWER = 5.0
"""That the cluster has when it is called."""
SECONDS_TO_FORM = 120.0
"""That the first worker has to find room."""


class RayWorkers:
    """Works on books with the workers of a Ray cluster.

    Args:
        work: what is done with each book; it is pickled.
        num_workers: how many, in all of the cluster.
        address: of the cluster, as `ray.init` takes it; `local` begins one.
        progress: told what workers tell of the books when these end.

    Raises:
        UsageError: Ray is not installed, or there is no cluster.
    """

    def __init__(self, work: Work, num_workers: int, address: str, progress: Progress) -> None:
        self._ray = _join(address)
        self._progress = progress
        self._num_workers = num_workers
        cores = self._ray.cluster_resources().get("CPU", 1.0)
        share = max(1.0, cores // num_workers)
        self._actor = self._ray.remote(num_cpus=share, max_restarts=0)(_Worker)
        self._arguments = (work, int(share))
        self._forming: dict[Any, Any] = {}
        self._free: list[Any] = []
        self._busy: dict[Any, tuple[Any, Unit]] = {}
        self._waiting = Waiting(())

    def run(self, units: Iterable[Unit]) -> Ends:
        """Work on books; yields each as it ends, in whatever order that is.

        Args:
            units: the next is taken when a worker is free for it.

        Raises:
            InfiniError: no worker finds room in the cluster.
        """
        self._waiting = Waiting(units)
        try:
            for _ in range(self._num_workers):
                self._form()
            while self._hand_out():
                # A worker that finds no room may wait as long as others work.
                timeout = None if self._busy else SECONDS_TO_FORM
                tasks = [*self._busy, *self._forming]
                ready = self._ray.wait(tasks, num_returns=1, timeout=timeout)[0] if tasks else []
                if not ready:
                    raise InfiniError(
                        "no worker finds room in the cluster", hint="use fewer `--jobs`"
                    )
                for task in ready:
                    if task in self._forming:
                        self._greet(task)
                    else:
                        yield from self._take(task)
        finally:
            workers = [
                *self._free,
                *self._forming.values(),
                *(one for one, _ in self._busy.values()),
            ]
            for actor in workers:
                self._ray.kill(actor)
            self._ray.shutdown()

    def _form(self) -> None:
        """Ask the cluster for a worker."""
        actor = self._actor.remote(*self._arguments)
        self._forming[actor.answer.remote()] = actor

    def _greet(self, task: Any) -> None:
        """Take a worker that answers; one that does not is asked for again when a book is lost."""
        actor = self._forming.pop(task)
        try:
            self._ray.get(task)
        except self._ray.exceptions.RayError:
            return
        self._free.append(actor)

    def _hand_out(self) -> bool:
        """Give every free worker a unit; tells whether any is still worked on, or waits for it."""
        while self._free:
            unit = self._waiting.take()
            if not unit:
                return bool(self._busy)
            actor = self._free.pop()
            task = actor.work_on.remote(tuple(path.absolute() for path in unit))
            self._busy[task] = actor, unit
        return True

    def _take(self, task: Any) -> Iterator[tuple[Path, Result | InfiniError]]:
        actor, unit = self._busy.pop(task)
        try:
            ends, events = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            self._form()
            yield from self._waiting.lose(unit, unit, f"by {type(error).__name__}")
            return
        self._free.append(actor)
        for event in events:
            self._progress(event)
        yield from zip(unit, ends, strict=True)


class _Worker:
    """What runs on a machine of the cluster."""

    def __init__(self, work: Work, num_threads: int) -> None:
        # Before torch is imported: workers share the cores.
        os.environ["OMP_NUM_THREADS"] = str(num_threads)
        self._work = work

    def answer(self) -> None:
        """Say that it is there."""

    def work_on(self, unit: Unit) -> tuple[list[Result | InfiniError], list[Event]]:
        events: list[Event] = []

        def tell(event: Event) -> None:
            if is_about_books(event):
                events.append(event)

        return [end for _, end in self._work.on(unit, tell)], events


def _join(address: str) -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "`--ray` needs Ray, which is not installed", hint="pip install 'infini-cli[ray]'"
        ) from error
    _knock(address)
    variables = {HOME_VARIABLE: os.environ[HOME_VARIABLE]} if HOME_VARIABLE in os.environ else {}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": variables},
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_cluster(address, error) from error
    return ray


def _knock(address: str) -> None:
    """See whether anybody is there at all; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdecimal():
        return  # `auto`, `local`, an address of another kind
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> UsageError:
    return UsageError(
        f"there is no Ray cluster at `{address}`: {error}",
        hint="`ray start --head` begins one; `--ray local` needs none",
    )
