"""Score the chapters found in a book against its true ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from infini_cli.reading import read_book
from infini_cli.reading.book import Book, Matter

Division = tuple[str, int]
"""Title and number of words."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a book was read.

    Attributes:
        name: of the file.
        num_words: of the chapters kept.
        true_words: of the whole reference text.
        note_words: of its notes, which are left out by default.
        num_chapters: body chapters found.
        num_true: body chapters that there are.
        num_right: found with the very title and number of words, in order.
        same_text: whether text and notes are the reference, word for word.
    """

    name: str
    num_words: int
    true_words: int
    note_words: int
    num_chapters: int
    num_true: int
    num_right: int
    same_text: bool

    @property
    def precision(self) -> float:
        return self.num_right / self.num_chapters

    @property
    def recall(self) -> float:
        return self.num_right / self.num_true

    @property
    def difference(self) -> float:
        """Words with the notes, compared with the reference, as a share."""
        return (self.num_words + self.note_words) / self.true_words - 1


def score_book(books: Path, name: str) -> Score:
    """Read an EPUB of the corpus and compare it.

    Args:
        books: the folder with `epub`, `txt` and `chapters`.
        name: of the book, without suffix.
    """
    book = read_book(books / "epub" / f"{name}.epub")
    reference = (books / "txt" / f"{name}.txt").read_text(encoding="utf-8").split()
    rows = [
        json.loads(row)
        for row in (books / "chapters" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    true = [(row["title"], row["words"]) for row in rows if _is_body(row)]
    found = [
        (chapter.title, chapter.num_words)
        for chapter in book.kept_chapters
        if chapter.matter is Matter.BODY
    ]
    return Score(
        name=name,
        num_words=book.num_words,
        true_words=len(reference),
        note_words=sum(row["words"] for row in rows if row["epub_type"] == "endnotes"),
        num_chapters=len(found),
        num_true=len(true),
        num_right=_num_matching(true, found),
        same_text=_words(book, with_notes=True) == reference,
    )


def _is_body(row: dict[str, object]) -> bool:
    return row["matter"] == "body" and not row["apparatus"]


def _words(book: Book, *, with_notes: bool) -> list[str]:
    return [
        word
        for chapter in book.chapters
        if chapter.kept or (with_notes and chapter.skip_reason == "notes")
        for block in chapter.blocks
        for word in block.text.split()
    ]


def _num_matching(true: Iterable[Division], found: Iterable[Division]) -> int:
    matcher = SequenceMatcher(None, list(true), list(found), autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())
