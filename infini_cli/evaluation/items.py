"""What written texts are measured on: a text with reference summaries, or with questions."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from infini_cli.evaluation.first_part import first_part
from infini_cli.reading import ReadOptions, read_book
from infini_cli.reading.book import Book
from infini_cli.reading.sniff import Format
from infini_cli.reading.source import read_bytes
from infini_cli.tasks.length import MAX_WORDS, MIN_WORDS

UNTITLED = "untitled"


@dataclass(frozen=True, slots=True)
class Text:
    """A text to read.

    Attributes:
        content: the text itself; empty where there is a file.
        path: a book's file.
        title: how to call it; None takes the file's own.
        share: of its words that are read, from the first, 0 to 1.
    """

    content: str = ""
    path: Path | None = None
    title: str | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """A text to summarise.

    Attributes:
        id: names it within its file.
        text: what to read.
        references: summaries that people wrote, at least one.
        question: what the summary is to answer; None: a plain summary.
    """

    id: str
    text: Text
    references: tuple[str, ...]
    question: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """A question about a text.

    Attributes:
        id: names it within its file.
        text: what it is about.
        question: as asked.
        answers: any of them is right; none where the text does not answer it.
        evidence: pieces of the text that answer it, verbatim; possibly none are known.
    """

    id: str
    text: Text
    question: str
    answers: tuple[str, ...]
    evidence: tuple[str, ...] = ()


def with_strangers(
    items: Sequence[QuestionItem], num_strangers: int, seed: int
) -> list[QuestionItem]:
    """Ask each text some questions about the others as well, which it does not answer.

    Args:
        items: questions; those on the same text follow each other.
        num_strangers: how many a text gets, as far as there are any.
        seed: of the draw.
    """
    draw = random.Random(seed)
    groups = [list(group) for _, group in groupby(items, key=lambda item: item.text)]
    asked: list[QuestionItem] = []
    for group in groups:
        others = [item for other in groups if other is not group for item in other if item.answers]
        drawn = draw.sample(others, min(num_strangers, len(others)))
        asked += group
        asked += [
            QuestionItem(f"{item.id} (of another text)", group[0].text, item.question, ())
            for item in drawn
        ]
    return asked


def in_parts(items: Sequence[SummaryItem], shares: Sequence[float]) -> list[SummaryItem]:
    """Ask for the summaries of a text after each share of it, the smallest first.

    Args:
        items: those on the same text follow each other.
        shares: of the words that are read, above 0, at most 1.
    """
    return [
        replace(item, text=replace(item.text, share=share))
        for _, group in groupby(items, key=lambda item: item.text)
        for on_text in [list(group)]
        for share in sorted(set(shares))
        for item in on_text
    ]


def target_words(item: SummaryItem) -> int:
    """Give the length of a summary: the mean length of its references, in words."""
    lengths = [len(reference.split()) for reference in item.references]
    return min(MAX_WORDS, max(MIN_WORDS, round(sum(lengths) / len(lengths))))


def open_text(text: Text) -> Book:
    """Read a text as a book.

    Raises:
        InputError: it cannot be read.
    """
    if text.path is not None:
        book = read_book(text.path)
    else:
        book = read_book(
            text.content.encode("utf-8"),
            options=ReadOptions(encoding="utf-8"),
            name=UNTITLED,
            kind=Format.TEXT,
        )
    book = book if text.title is None else replace(book, title=text.title)
    return first_part(book, text.share)


@lru_cache(maxsize=4)
def text_sha256(text: Text) -> str:
    """Hash what is read, the title and the share included.

    Raises:
        InputError: the file cannot be read.
    """
    data = text.content.encode("utf-8") if text.path is None else read_bytes(text.path)
    share = f"\0{text.share}" if text.share < 1 else ""
    return hashlib.sha256(f"{text.title!a}\0".encode() + data + share.encode()).hexdigest()
