"""Summaries made of the book's own sentences, without a model: what a model has to beat."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from infini_cli.reading.book import BlockKind, Book, Chapter
from infini_cli.tasks.length import chapter_words, parse_length
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.sentences import split_sentences
from infini_cli.tasks.textrank import rank_sentences
from infini_cli.tasks.values import SectionSummary, Summary
from infini_cli.tokens.coverage import Coverage

METHODS = ("lead", "textrank")
_TEXT_KINDS = (BlockKind.PARAGRAPH, BlockKind.QUOTE, BlockKind.LIST_ITEM, BlockKind.VERSE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the chapter it stands in."""

    text: str
    chapter_number: int

    @property
    def num_words(self) -> int:
        """Whitespace-separated words."""
        return len(self.text.split())


def summarize_without_model(book: Book, request: SummaryRequest) -> Summary:
    """Summarise by `lead` (the first sentences) or `textrank` (the most central ones).

    Args:
        book: what was read.
        request: method, length, scope.

    Raises:
        UsageError: the length is malformed.
    """
    started = time.monotonic()
    length = parse_length(request.length, book.num_words)
    choose = _lead if request.method == "lead" else _textrank
    sections: tuple[SectionSummary, ...] = ()
    text = ""
    if request.by_chapter:
        words = chapter_words(length, len(book.kept_chapters))
        sections = tuple(
            SectionSummary(chapter.number, chapter.title, choose(_sentences([chapter]), words))
            for chapter in book.kept_chapters
        )
    else:
        text = choose(_sentences(book.kept_chapters), length.target_words)
    return Summary(
        title=book.title,
        authors=book.authors,
        source_sha256=book.source_sha256,
        text=text,
        sections=sections,
        method=request.method,
        length=length.label,
        coverage=Coverage.in_words(book.num_words, len(book.kept_chapters)),
        model=None,
        seed=request.sampling.seed,
        seconds=round(time.monotonic() - started, 1),
        warnings=book.warnings,
    )


def _sentences(chapters: Sequence[Chapter]) -> list[Sentence]:
    return [
        Sentence(" ".join(block.text[start:end].split()), chapter.number)
        for chapter in chapters
        for block in chapter.blocks
        if block.kind in _TEXT_KINDS
        for start, end in split_sentences(block.text)
    ]


def _lead(sentences: Sequence[Sentence], words: int) -> str:
    total, end = 0, 0
    for sentence in sentences:
        total += sentence.num_words
        if end and total > words:
            break
        end += 1
    return " ".join(sentence.text for sentence in sentences[:end])


def _textrank(sentences: Sequence[Sentence], words: int) -> str:
    order = rank_sentences(
        [sentence.text for sentence in sentences],
        [sentence.chapter_number for sentence in sentences],
    )
    return _joined(sentences, order, words)


def _joined(sentences: Sequence[Sentence], order: Sequence[int], words: int) -> str:
    """Take sentences in an order until the target is met; give them in the book's order."""
    chosen: list[int] = []
    total = 0
    for index in order:
        size = sentences[index].num_words
        if chosen and total + size > words:
            if total >= 0.85 * words:
                break
            continue
        chosen.append(index)
        total += size
    return " ".join(sentences[index].text for index in sorted(chosen))
