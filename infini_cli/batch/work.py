"""The work on the books of a batch, and how it can end."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infini_cli.errors import InfiniError, Interrupted
from infini_cli.progress import Event, Progress, Read, Write
from infini_cli.time_limit import time_limit


@dataclass(frozen=True, slots=True)
class Result:
    """What the work on one book yields.

    Attributes:
        content: of the output file.
        facts: for the ledger: coverage, tokens, rates; JSON values.
        seconds: that it took, with its share of what was done for several books at once.
    """

    content: bytes
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


MAX_ATTEMPTS = 3
"""A book that cost so many workers is not given to another."""

Unit = tuple[Path, ...]
"""Books that one worker takes, one after the other."""
Ends = Generator[tuple[Path, Result | InfiniError]]
"""Books as the work on them ends, and how it ended."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with books; it is pickled where workers are other processes.

    Attributes:
        make: makes the output of one book; raises `InfiniError` if it cannot.
        prepare: does at once for the books of a unit what is faster so. Whatever goes wrong with
            it, `make` works without; None: there is nothing to do at once.
        timeout_seconds: the most that a book may take.
    """

    make: Callable[[Path, Progress], Result]
    prepare: Callable[[Sequence[Path], Progress], None] | None = None
    timeout_seconds: float | None = None

    def on(self, unit: Unit, progress: Progress) -> Ends:
        """Work on the books of a unit, one after the other; yields each as it ends.

        Raises:
            KeyboardInterrupt: the user stopped it.
        """
        shared = 0.0
        if self.prepare is not None and len(unit) > 1:
            started = time.monotonic()
            self._prepare(unit, progress)
            shared = (time.monotonic() - started) / len(unit)
        for path in unit:
            started = time.monotonic()
            end = self._attempt(path, progress)
            if isinstance(end, Result):
                end = replace(end, seconds=shared + time.monotonic() - started)
            yield path, end

    def _prepare(self, unit: Unit, progress: Progress) -> None:
        assert self.prepare is not None
        seconds = None if self.timeout_seconds is None else self.timeout_seconds * len(unit)
        try:
            with time_limit(seconds, f"{len(unit)} books"):
                self.prepare(unit, progress)
        except Interrupted as error:
            raise KeyboardInterrupt from error
        except (
            Exception
        ):  # which of the books it is comes out when they are worked on by themselves
            return

    def _attempt(self, path: Path, progress: Progress) -> Result | InfiniError:
        """Work on a book; what goes wrong with it is a value, so that others can follow."""
        try:
            with time_limit(self.timeout_seconds, path.name):
                return self.make(path, progress)
        except Interrupted as error:
            raise KeyboardInterrupt from error
        except InfiniError as error:
            return error
        except Exception as error:  # a bug that one book brings out must not cost the others
            bug = InfiniError(f"internal error: {type(error).__name__}: {error}")
            bug.__cause__ = error
            return bug


class Waiting:
    """Units that wait for a worker; those whose worker is lost wait again, before all others.

    Args:
        units: in order; the next is asked for when a worker is free for it.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self._units = iter(units)
        self._lost: deque[Unit] = deque()
        self._num_attempts: Counter[Unit] = Counter()

    def take(self) -> Unit:
        """Give the next unit; one without books if there is none at the moment."""
        unit = self._lost.popleft() if self._lost else next(self._units, ())
        self._num_attempts[unit] += 1
        return unit

    def lose(self, unit: Unit, left: Unit, how: str) -> list[tuple[Path, InfiniError]]:
        """Take back what is left of a unit whose worker was lost.

        Returns:
            The book that cost too many, with an error. Of several nobody knows which it was: each
            is tried by itself.
        """
        if self._num_attempts[unit] < MAX_ATTEMPTS:
            self._num_attempts[left] = self._num_attempts[unit]
            self._lost.append(left)
            return []
        if len(unit) > 1:
            self._lost.extend((path,) for path in left)
            return []
        error = InfiniError(
            f"the worker on `{unit[0].name}` was lost {MAX_ATTEMPTS} times, the last time {how}",
            hint="with too little memory, use fewer `--jobs`",
        )
        return [(unit[0], error)]


def is_about_books(event: Event) -> bool:
    """Tell whether an event is worth telling of a book among several: how far each is flickers."""
    return not isinstance(event, Read | Write)


def in_turn(work: Work, units: Iterable[Unit], progress: Progress) -> Ends:
    """Work on books one after the other, in this process; yields each as it ends."""
    for unit in units:
        yield from work.on(unit, progress)
