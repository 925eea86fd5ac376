"""Chapters that one of their people tells, and what he tells there of himself.

A letter or a dream in a story is told by one of its people too: a book has a narrator where he
tells a good part of it. That is seen from its beginning, chapter by chapter, so that it stays as it
is when the book grows.
"""

from __future__ import annotations

from collections.abc import Iterable

from infini_cli.grounding.book_sentences import Sentence
from infini_cli.language.narration import has_narrator, narration
from infini_cli.language.same_claim import asks, of_himself
from infini_cli.reading.book import BLOCK_SEPARATOR, BlockKind, Chapter

MIN_NARRATED = 0.25
"""Of the words up to a chapter's end."""


def narrated_chapters(chapters: Iterable[Chapter]) -> frozenset[str]:
    """Give the labels of the chapters that a narrator tells.

    Args:
        chapters: that are read, in order.
    """
    labels: set[str] = set()
    num_words = num_narrated = 0
    for chapter in chapters:
        num_words += chapter.num_words
        prose = (block.text for block in chapter.blocks if block.kind is BlockKind.PARAGRAPH)
        if has_narrator(BLOCK_SEPARATOR.join(prose)):
            num_narrated += chapter.num_words
            if num_narrated >= MIN_NARRATED * num_words:
                labels.add(chapter.label)
    return frozenset(labels)


def narrated_places(sentences: Iterable[Sentence], chapters: frozenset[str]) -> frozenset[int]:
    """Give the places, in `Book.text`, of what a narrator tells of himself, outside of any speech.

    Args:
        sentences: of the book.
        chapters: labels of those that he tells.
    """
    return frozenset(
        one.place[0]
        for one in sentences
        if one.chapter.label in chapters
        and one.block.kind is BlockKind.PARAGRAPH
        and _is_of_narrator(one)
    )


def _is_of_narrator(sentence: Sentence) -> bool:
    text = sentence.block.text
    own = text[sentence.start : sentence.end]
    told = narration(text)[sentence.start : sentence.end]
    return told == own and of_himself(own, told) and not asks(own)
