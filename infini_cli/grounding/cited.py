"""Sentences and answers with the passages that bear them, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_UNSPACED_STOPS = ("\u3002", "\uff01", "\uff1f")
_CLOSING = "\u300d\u300f\u201d\u2019)"


@dataclass(frozen=True, slots=True)
class SentenceCitation:
    """A passage that bears a sentence of a summary, alone or with others.

    Attributes:
        chapter_label, chapter_title: where.
        block_id: the block that the quote begins in.
        page: the page of its passage, where the book has pages.
        quote: the book's own words.
        start, end: offsets of the quote in the book's text.
        score: share of the sentence's words that the passage around the quote has, 0 to 1.
    """

    chapter_label: str
    chapter_title: str
    block_id: str
    page: str | None
    quote: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary and what bears it.

    Attributes:
        text: one sentence, on one line.
        citations: the passages that bear it together, in the book's order; of a sentence that
            is not supported the nearest, a place to look.
        supported: whether they bear it, by `infini_cli.grounding.agreement`.
        score: of all of them together, 0 to 1.
        paragraph: 0-based, in its text.
    """

    text: str
    citations: tuple[SentenceCitation, ...]
    supported: bool
    score: float
    paragraph: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an answer rests on.

    Attributes:
        number: 1-based, in the answer.
        chapter_label, chapter_title: where.
        block_id: the block that the quote begins in.
        page: its page, where the book has pages.
        quote: the book's own words.
        start, end: offsets of the quote in the book's text.
    """

    number: int
    chapter_label: str
    chapter_title: str
    block_id: str
    page: str | None
    quote: str
    start: int
    end: int


def join_sentences(sentences: Sequence[SummarySentence], marks: Sequence[str] = ()) -> str:
    """Write sentences as paragraphs.

    Args:
        sentences: in order.
        marks: written after each of them, if any.
    """
    text = ""
    for index, sentence in enumerate(sentences):
        if index:
            before = sentences[index - 1]
            text += _between(before) if before.paragraph == sentence.paragraph else "\n\n"
        text += sentence.text
        if marks and marks[index]:
            text += f" {marks[index]}"
    return text


def _between(before: SummarySentence) -> str:
    """Give what parts a sentence from the next: nothing in Chinese and Japanese."""
    return "" if before.text.rstrip(_CLOSING)[-1:] in _UNSPACED_STOPS else " "
