"""How long a summary is to be: `short`, `medium`, `long`, `10%` of the book, `300w`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infini_cli.errors import UsageError
from infini_cli.language.sentences import split_sentences

NAMED_WORDS = {"short": 100, "medium": 250, "long": 600}
NAMED_CHAPTER_WORDS = {"short": 30, "medium": 60, "long": 120}
"""By chapter a named length is that of each: a book of many would have no sentence a chapter."""
MIN_WORDS = 20
MAX_WORDS = 20_000
MAX_SHARE = 1 / 3
"""A named length is never more than this share of the book: a summary is shorter than it."""

MAX_OVERSHOOT = 1.15
MIN_SHARE = 0.85
"""A summary has between these shares of the words it was asked for, where its notes say as much."""

_NUMBER = re.compile(r"^(\d{1,6}(?:\.\d{1,3})?)(%|w)$")


@dataclass(frozen=True, slots=True)
class Length:
    """A length.

    Attributes:
        label: as the user wrote it.
        target_words: what it comes to for this book.
    """

    label: str
    target_words: int


def parse_length(text: str, num_words: int) -> Length:
    """Turn a length into words.

    Args:
        text: `short`, `medium`, `long`, `N%` or `Nw`.
        num_words: words of the book.

    Raises:
        UsageError: it is none of these, or out of bounds.
    """
    label = text.strip().lower()
    if label in NAMED_WORDS:
        most = max(MIN_WORDS, int(num_words * MAX_SHARE))
        return Length(label, min(NAMED_WORDS[label], most))
    match = _NUMBER.match(label)
    if match is None:
        raise UsageError(
            f"`{text}` is no length",
            hint="write short, medium, long, 10% or 300w",
        )
    number = float(match[1])
    if match[2] == "%":
        if not 0 < number <= 100:
            raise UsageError(f"`{text}` is no share of a book", hint="between 0% and 100%")
        return Length(label, min(MAX_WORDS, max(MIN_WORDS, round(num_words * number / 100))))
    if not MIN_WORDS <= number <= MAX_WORDS:
        raise UsageError(f"`{text}` is out of bounds", hint=f"from {MIN_WORDS}w to {MAX_WORDS}w")
    return Length(label, round(number))


def chapter_words(length: Length, num_chapters: int) -> int:
    """Give the length of each chapter's summary, in words.

    A length in words or percent is shared out among the chapters.
    """
    if length.label in NAMED_CHAPTER_WORDS:
        return NAMED_CHAPTER_WORDS[length.label]
    return max(MIN_WORDS, length.target_words // max(1, num_chapters))


def trim_to_words(text: str, target_words: int) -> str:
    """Keep whole sentences from the beginning while they fit; at least one, lines kept."""
    kept_end = 0
    for start, end in split_sentences(text):
        if kept_end and len(text[:end].split()) > target_words:
            break
        kept_end = end if end > start else kept_end
    return text[:kept_end].rstrip() if kept_end else text
