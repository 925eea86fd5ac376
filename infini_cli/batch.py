"""Many books, one after the other: what is done stays done, and a bad book stops nothing.

The work on a book is given as a function, so that this module knows neither models nor tasks.
What happened is written to a ledger, `run.jsonl`, line by line as it happens; from it the next
run knows what is done. A run that was interrupted or killed is thus simply run again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from infini_cli.atomic import write_atomically
from infini_cli.batch_ledger import LEDGER_NAME, Entry, Ledger, Outcome
from infini_cli.batch_names import name_outputs
from infini_cli.errors import InfiniError, InputError, InputNotFound, Interrupted, UsageError
from infini_cli.progress import BatchStep, Progress, silent
from infini_cli.time_limit import time_limit

LOCK_NAME = ".run.lock"
_HASH_PIECE_BYTES = 1 << 20


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


@dataclass(frozen=True, slots=True)
class Failure:
    """A book that failed.

    Attributes:
        path: the book.
        error: why.
    """

    path: Path
    error: InfiniError


@dataclass(frozen=True, slots=True)
class Report:
    """How a batch went.

    Attributes:
        num_books: books in all.
        done: books finished by this run.
        skipped: books that an earlier run finished.
        failed: books that failed.
        ledger: where all of it is written down.
    """

    num_books: int
    done: tuple[Path, ...]
    skipped: tuple[Path, ...]
    failed: tuple[Failure, ...]
    ledger: Path


def run_batch(
    books: Sequence[Path],
    folder: Path,
    work: Work,
    *,
    settings: str,
    suffix: str,
    redo: bool = False,
    fail_fast: bool = False,
    timeout_seconds: float | None = None,
    progress: Progress = silent,
) -> Report:
    """Work on books one after the other and write one file for each.

    A book is skipped if the ledger says that a book with the same content was finished with the
    same settings, and its output is still there. A book that fails is written down, and the run
    goes on.

    Args:
        books: in order; `infini_cli.batch_files.collect_books` makes such a list.
        folder: for the outputs and the ledger.
        work: makes the output of one book; raises `InfiniError` if it cannot.
        settings: a hash of all that the output depends on apart from the book.
        suffix: of the outputs, `.md` for example.
        redo: whether to work on finished books again.
        fail_fast: whether to stop at the first failure.
        timeout_seconds: the most that a book may take; one that takes longer fails.
        progress: told when a book begins and how it ends.

    Raises:
        Interrupted: the user stopped it; run it again to go on.
        UsageError: another batch writes to the folder, or it cannot be written.
        InfiniError: the disk is full, or the like.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK_NAME, timeout=0):
            ledger = Ledger(folder / LEDGER_NAME)
            run = _Run(folder, work, settings, ledger, redo, timeout_seconds, progress, len(books))
            run.work_on(name_outputs(books, folder, suffix, ledger.outputs()), fail_fast)
            return run.report()
    except Timeout as error:
        raise UsageError(
            f"another batch is writing to `{folder}`", hint="wait for it, or use another folder"
        ) from error
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UsageError(
            f"cannot write to `{folder}`: {error.strerror}", hint="use another folder"
        ) from error
    except OSError as error:
        raise InfiniError(
            f"cannot write to `{folder}`: {error.strerror or error}", hint="use another folder"
        ) from error


class _Run:
    """One pass over the books."""

    def __init__(
        self,
        folder: Path,
        work: Work,
        settings: str,
        ledger: Ledger,
        redo: bool,
        timeout_seconds: float | None,
        progress: Progress,
        num_books: int,
    ) -> None:
        self._folder = folder
        self._work = work
        self._settings = settings
        self._ledger = ledger
        self._redo = redo
        self._timeout_seconds = timeout_seconds
        self._progress = progress
        self._num_books = num_books
        self._done: list[Path] = []
        self._skipped: list[Path] = []
        self._failed: list[Failure] = []

    def work_on(self, outputs: dict[Path, str], fail_fast: bool) -> None:
        for path, output in outputs.items():
            self._step(path, "")
            try:
                outcome = self._work_on_book(path, output)
            except KeyboardInterrupt as error:
                finished = len(self._done) + len(self._skipped)
                raise Interrupted(
                    f"interrupted after {finished} of {self._num_books} books",
                    hint="run the same command again to go on",
                ) from error
            self._step(path, outcome)
            if self._failed and fail_fast:
                return

    def report(self) -> Report:
        return Report(
            self._num_books,
            tuple(self._done),
            tuple(self._skipped),
            tuple(self._failed),
            self._ledger.path,
        )

    def _work_on_book(self, path: Path, output: str) -> Outcome:
        start = time.monotonic()
        entry = Entry(input=str(path.absolute()), output=output, settings=self._settings)
        try:
            entry = entry.with_source(hash_file(path))
        except InputError as error:
            return self._fail(path, entry, error)
        finished = self._ledger.finished(entry)
        if finished and not self._redo and (self._folder / finished.output).is_file():
            self._skipped.append(path)
            return Outcome.SKIPPED
        # Written down before the work, so that the name stays this book's even after a kill.
        self._ledger.append(entry)
        try:
            with time_limit(self._timeout_seconds, path.name):
                result = self._work(path, self._progress)
        except InfiniError as error:
            if isinstance(error, Interrupted):
                raise KeyboardInterrupt from error
            return self._fail(path, entry, error)
        except Exception as error:  # a bug that one book brings out must not cost the others
            bug = InfiniError(f"internal error: {type(error).__name__}: {error}")
            bug.__cause__ = error
            return self._fail(path, entry, bug)
        write_atomically(self._folder / output, result.content)
        seconds = time.monotonic() - start
        self._ledger.append(entry.as_done(seconds, result.facts))
        self._done.append(path)
        return Outcome.DONE

    def _fail(self, path: Path, entry: Entry, error: InfiniError) -> Outcome:
        self._ledger.append(entry.as_failed(error))
        self._failed.append(Failure(path, error))
        return Outcome.FAILED

    def _step(self, path: Path, outcome: str) -> None:
        num_finished = len(self._done) + len(self._skipped) + len(self._failed)
        self._progress(BatchStep(str(path), num_finished, self._num_books, outcome))


def hash_file(path: Path) -> str:
    """Hash a file's bytes with sha256, hexadecimal.

    Raises:
        InputNotFound: it is not there, no regular file, or may not be read.
    """
    if not path.is_file():  # opening a pipe would wait for its other end
        reason = "is not a regular file" if path.exists() else "does not exist"
        raise InputNotFound(f"`{path}` {reason}", hint="check the path")
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_HASH_PIECE_BYTES):
                digest.update(piece)
    except OSError as error:
        raise InputNotFound(f"cannot read `{path}`: {error.strerror}") from error
    return digest.hexdigest()
