"""Many books: what is done stays done, and a bad book stops nothing.

The work on a book is given as a function, so that this module knows neither models nor tasks.
What happened is written to a ledger, `run.jsonl`, line by line as it happens; from it the next
run knows what is done. A run that was interrupted or killed is thus simply run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from infini_cli.atomic import write_atomically
from infini_cli.batch.ledger import LEDGER_NAME, Entry, Ledger, Outcome
from infini_cli.batch.names import name_outputs
from infini_cli.batch.ray_workers import RayWorkers
from infini_cli.batch.units import divide
from infini_cli.batch.work import Ends, Unit, Work, in_turn
from infini_cli.batch.workers import Workers
from infini_cli.errors import InfiniError, InputError, InputNotFound, Interrupted, UsageError
from infini_cli.progress import BatchStep, Progress, silent

LOCK_NAME = ".run.lock"
_HASH_PIECE_BYTES = 1 << 20


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
    num_jobs: int = 1,
    ray_address: str | None = None,
    max_unit: int = 1,
    progress: Progress = silent,
) -> Report:
    """Work on books and write one file for each.

    A book is skipped if the ledger says that a book with the same content was finished with the
    same settings, and its output is still there. A book that fails is written down, and the run
    goes on.

    Args:
        books: in order; `infini_cli.batch.files.collect_books` makes such a list.
        folder: for the outputs and the ledger.
        work: what is done with each.
        settings: a hash of all that the output depends on apart from the book.
        suffix: of the outputs, `.md` for example.
        redo: whether to work on finished books again.
        fail_fast: whether to stop at the first failure.
        num_jobs: books at a time, each in a process of its own; 1: one after the other in this.
        ray_address: of a Ray cluster whose machines do the work; None: this machine.
        max_unit: the most small books that one worker takes at once.
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
            outputs = name_outputs(books, folder, suffix, ledger.outputs())
            run = _Run(folder, outputs, settings, ledger, redo, fail_fast, progress)
            due = run.due(divide(tuple(outputs), max_unit, num_jobs))
            if ray_address is not None:
                ends = RayWorkers(work, num_jobs, ray_address, progress).run(due)
            elif num_jobs > 1:
                ends = Workers(work, num_jobs, progress).run(due)
            else:
                ends = in_turn(work, due, progress)
            with closing(ends):
                run.take(ends)
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
        outputs: Mapping[Path, str],
        settings: str,
        ledger: Ledger,
        redo: bool,
        fail_fast: bool,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._outputs = outputs
        self._settings = settings
        self._ledger = ledger
        self._redo = redo
        self._fail_fast = fail_fast
        self._progress = progress
        self._begun: dict[Path, Entry] = {}
        self._done: list[Path] = []
        self._skipped: list[Path] = []
        self._failed: list[Failure] = []

    def due(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Give the books to work on; what is done, or cannot be read, is written down and left."""
        for unit in units:
            left = tuple(path for path in unit if not self._is_over and self._is_due(path))
            if self._is_over:
                return
            if left:
                yield left

    def _is_due(self, path: Path) -> bool:
        self._step(path, "")
        output = self._outputs[path]
        entry = Entry(input=str(path.absolute()), output=output, settings=self._settings)
        try:
            entry = entry.with_source(hash_file(path))
        except InputError as error:
            self._fail(path, entry, error)
            return False
        finished = self._ledger.finished(entry)
        if finished and not self._redo and (self._folder / finished.output).is_file():
            self._skipped.append(path)
            self._step(path, Outcome.SKIPPED)
            return False
        # Written down before the work, so that the name stays this book's even after a kill.
        self._ledger.append(entry)
        self._begun[path] = entry
        return True

    @property
    def _is_over(self) -> bool:
        return self._fail_fast and bool(self._failed)

    def take(self, ends: Ends) -> None:
        """Write down how the work on each book ended, and what it made."""
        try:
            for path, end in ends:
                entry = self._begun.pop(path)
                if isinstance(end, InfiniError):
                    self._fail(path, entry, end)
                else:
                    write_atomically(self._folder / entry.output, end.content)
                    self._ledger.append(entry.as_done(end.seconds, end.facts))
                    self._done.append(path)
                    self._step(path, Outcome.DONE)
                if self._is_over:
                    return
        except KeyboardInterrupt as error:
            finished = len(self._done) + len(self._skipped)
            raise Interrupted(
                f"interrupted after {finished} of {len(self._outputs)} books",
                hint="run the same command again to go on",
            ) from error

    def report(self) -> Report:
        """Say how it went, the books in their order."""
        place = {path: index for index, path in enumerate(self._outputs)}
        return Report(
            len(self._outputs),
            tuple(sorted(self._done, key=place.__getitem__)),
            tuple(self._skipped),
            tuple(sorted(self._failed, key=lambda failure: place[failure.path])),
            self._ledger.path,
        )

    def _fail(self, path: Path, entry: Entry, error: InfiniError) -> None:
        self._ledger.append(entry.as_failed(error))
        self._failed.append(Failure(path, error))
        self._step(path, Outcome.FAILED)

    def _step(self, path: Path, outcome: str) -> None:
        num_finished = len(self._done) + len(self._skipped) + len(self._failed)
        self._progress(BatchStep(str(path), num_finished, len(self._outputs), outcome))


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
