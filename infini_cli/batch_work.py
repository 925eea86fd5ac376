"""The work on one book of a batch, and how it can end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
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
    """

    content: bytes
    facts: dict[str, Any] = field(default_factory=dict)


MAX_ATTEMPTS = 3
"""A book that cost so many workers is not given to another."""

Work = Callable[[Path, Progress], Result]
Ends = Generator[tuple[Path, Result | InfiniError]]
"""Books as the work on them ends, and how it ended."""


class Waiting:
    """Books that wait for a worker; one whose worker is lost waits again, before all others.

    Args:
        books: in order; the next is asked for when a worker is free for it.
    """

    def __init__(self, books: Iterable[Path]) -> None:
        self._books = iter(books)
        self._lost: deque[Path] = deque()
        self._num_attempts: Counter[Path] = Counter()

    def take(self) -> Path | None:
        """Give the next book; None if there is none at the moment."""
        path = self._lost.popleft() if self._lost else next(self._books, None)
        if path is not None:
            self._num_attempts[path] += 1
        return path

    def lose(self, path: Path, how: str) -> InfiniError | None:
        """Take back a book whose worker was lost; gives an error if it cost too many."""
        if self._num_attempts[path] < MAX_ATTEMPTS:
            self._lost.append(path)
            return None
        return InfiniError(
            f"the worker on `{path.name}` was lost {MAX_ATTEMPTS} times, the last time {how}",
            hint="with too little memory, use fewer `--jobs`",
        )


def is_about_books(event: Event) -> bool:
    """Tell whether an event is worth telling of a book among several: how far each is flickers."""
    return not isinstance(event, Read | Write)


def attempt(
    work: Work, path: Path, timeout_seconds: float | None, progress: Progress
) -> Result | InfiniError:
    """Work on a book; what goes wrong with it is a value, so that others can follow.

    Args:
        work: makes the output of one book; raises `InfiniError` if it cannot.
        path: the book.
        timeout_seconds: the most that it may take.
        progress: told of every step.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    try:
        with time_limit(timeout_seconds, path.name):
            return work(path, progress)
    except Interrupted as error:
        raise KeyboardInterrupt from error
    except InfiniError as error:
        return error
    except Exception as error:  # a bug that one book brings out must not cost the others
        bug = InfiniError(f"internal error: {type(error).__name__}: {error}")
        bug.__cause__ = error
        return bug


def in_turn(
    work: Work, books: Iterable[Path], timeout_seconds: float | None, progress: Progress
) -> Ends:
    """Work on books one after the other, in this process; yields each as it ends."""
    for path in books:
        yield path, attempt(work, path, timeout_seconds, progress)
