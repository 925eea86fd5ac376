"""Books on the machines of a Ray cluster, each worker on one book at a time.

The same as `batch_workers.py` with processes elsewhere: whoever hands out books and keeps the
ledger stays one process, and a worker that is lost, with its machine or alone, loses no more than
its work on one book. Books, models and the folder of kept memories have to be where every machine
sees them under the same path.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infini_cli.batch_work import Ends, Result, Work, attempt
from infini_cli.batch_workers import MAX_ATTEMPTS
from infini_cli.errors import InfiniError, UsageError
from infini_cli.paths import HOME_VARIABLE
from infini_cli.progress import Event, Progress, Read, Write

LOCAL = "local"
"""In place of an address: a cluster of this machine alone, begun for the run."""
SECONDS_TO_FORM = 60.0
"""That a worker has to find room in the cluster."""


class RayWorkers:
    """Works on books with the workers of a Ray cluster.

    Args:
        work: makes the output of one book; it is pickled.
        num_workers: how many, in all of the cluster.
        address: of the cluster, as `ray.init` takes it; `local` begins one.
        timeout_seconds: the most that a book may take.
        progress: told what workers tell of the books when these end.

    Raises:
        UsageError: Ray is not installed, or there is no cluster.
    """

    def __init__(
        self,
        work: Work,
        num_workers: int,
        address: str,
        timeout_seconds: float | None,
        progress: Progress,
    ) -> None:
        self._ray = _join(address)
        self._progress = progress
        self._num_workers = num_workers
        cores = self._ray.cluster_resources().get("CPU", 1.0)
        share = max(1.0, cores // num_workers)
        self._actor = self._ray.remote(num_cpus=share, max_restarts=0)(_Worker)
        self._arguments = (work, timeout_seconds, int(share))
        self._free: list[Any] = []
        self._busy: dict[Any, tuple[Any, Path]] = {}
        self._lost: deque[Path] = deque()
        self._num_attempts: Counter[Path] = Counter()

    def run(self, books: Iterable[Path]) -> Ends:
        """Work on books; yields each as it ends, in whatever order that is.

        Args:
            books: the next is taken when a worker is free for it.
        """
        waiting = iter(books)
        try:
            while True:
                self._hand_out(waiting)
                if not self._busy:
                    return
                ready, _ = self._ray.wait(list(self._busy), num_returns=1)
                for task in ready:
                    yield from self._take(task)
        finally:
            for actor in [*self._free, *(actor for actor, _ in self._busy.values())]:
                self._ray.kill(actor)
            self._ray.shutdown()

    def _hand_out(self, waiting: Iterator[Path]) -> None:
        while len(self._busy) < self._num_workers:
            path = self._lost.popleft() if self._lost else next(waiting, None)
            if path is None:
                return
            actor = self._free.pop() if self._free else self._actor.remote(*self._arguments)
            self._num_attempts[path] += 1
            self._busy[actor.work_on.remote(path.absolute())] = actor, path

    def _take(self, task: Any) -> Iterator[tuple[Path, Result | InfiniError]]:
        actor, path = self._busy.pop(task)
        try:
            end, events = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            if self._num_attempts[path] < MAX_ATTEMPTS:
                self._lost.append(path)
                return
            yield (
                path,
                InfiniError(
                    f"the worker on `{path.name}` was lost {MAX_ATTEMPTS} times: "
                    f"{type(error).__name__}",
                    hint="with too little memory, use fewer `--jobs`",
                ),
            )
            return
        self._free.append(actor)
        for event in events:
            self._progress(event)
        yield path, end


class _Worker:
    """What runs on a machine of the cluster."""

    def __init__(self, work: Work, timeout_seconds: float | None, num_threads: int) -> None:
        # Before torch is imported: workers share the cores.
        os.environ["OMP_NUM_THREADS"] = str(num_threads)
        self._work, self._timeout_seconds = work, timeout_seconds

    def work_on(self, path: Path) -> tuple[Result | InfiniError, list[Event]]:
        events: list[Event] = []

        def tell(event: Event) -> None:
            if not isinstance(event, Read | Write):
                events.append(event)

        return attempt(self._work, path, self._timeout_seconds, tell), events


def _join(address: str) -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "`--ray` needs Ray, which is not installed", hint="pip install 'infini-cli[ray]'"
        ) from error
    variables = {HOME_VARIABLE: os.environ[HOME_VARIABLE]} if HOME_VARIABLE in os.environ else {}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": variables},
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"there is no Ray cluster at `{address}`: {error}",
            hint="`ray start --head` begins one; `--ray local` needs none",
        ) from error
    return ray
