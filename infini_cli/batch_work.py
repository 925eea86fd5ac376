"""The work on one book of a batch, and how it can end."""

from __future__ import annotations

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


Work = Callable[[Path, Progress], Result]
Ends = Generator[tuple[Path, Result | InfiniError]]
"""Books as the work on them ends, and how it ended."""


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
