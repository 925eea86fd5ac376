"""Texts read once for all that is measured on them."""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path

from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory
from infini_cli.store.memory_file import SUFFIX, save_book_memory
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model


class ReadingKind(Enum):
    """What is kept of a text that was read."""

    MEMORY = "memory"
    NOTES = "notes"
    NOTES_WITHOUT_MEMORY = "notes without memory"


class Readings:
    """Book memories of one text at a time, each made when it is first needed.

    Where the text that came before is the beginning of one, its reading goes on at the last
    chapter, as with `infini read --append`.

    Neither uses nor fills the memories that infini keeps of books: what is measured was read by
    this run, and its time is known.

    Args:
        model: who reads.
        progress: told of every segment.
        folder: where they are kept meanwhile.
    """

    def __init__(self, model: Model, progress: Progress, folder: Path) -> None:
        self._model, self._progress, self._folder = model, progress, folder
        self._book: Book | None = None
        self._seconds: dict[ReadingKind, float] = {}
        self._latest: dict[ReadingKind, BookMemory] = {}

    def read(self, book: Book, kind: ReadingKind) -> tuple[Path, float]:
        """Give the book memory of a text, and the seconds that reading took now.

        Args:
            book: the same object as long as it is the same text.
            kind: what is kept of it.
        """
        if not self._model.remembers and kind is ReadingKind.NOTES_WITHOUT_MEMORY:
            # With closed gates nothing comes out of the memory: the notes are the same.
            kind = ReadingKind.NOTES
        if book is not self._book:
            self._book, self._seconds = book, {}
        path = self._folder / f"{kind.name.lower()}{SUFFIX}"
        if kind not in self._seconds:
            started = time.monotonic()
            reading = read_through(
                book,
                self._model,
                self._progress,
                notes=kind is not ReadingKind.MEMORY,
                use_cache=False,
                use_memory=kind is not ReadingKind.NOTES_WITHOUT_MEMORY,
                after=self._latest.get(kind),
            )
            self._latest[kind] = reading.book_memory
            save_book_memory(path, reading.book_memory)
            self._seconds[kind] = time.monotonic() - started
        return path, self._seconds[kind]
