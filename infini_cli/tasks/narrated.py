"""Chapters that one of their people tells, and what he tells there of himself.

A letter or a dream in a story is told by one of its people too: a book has a narrator where he
tells a good part of it. That is seen from its beginning, chapter by chapter, so that it stays as it
is when the book grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from infini_cli.grounding.book_sentences import Sentence
from infini_cli.language.narration import has_narrator, is_tale, narration, without_frame
from infini_cli.language.same_claim import asks, of_himself
from infini_cli.reading.book import BLOCK_SEPARATOR, BlockKind, Chapter

MIN_NARRATED = 0.25
"""Of the words up to a chapter's end."""


@dataclass(frozen=True, slots=True)
class Narrated:
    """How a chapter is told by one of its people.

    Attributes:
        is_tale: to others of them, so that all of it stands in quotation marks.
    """

    is_tale: bool = False

    def open(self, text: str) -> str:
        """Give a text of the chapter without the marks that all of it stands in."""
        return without_frame(text) if self.is_tale else text

    def told(self, text: str) -> str:
        """Give what the narrator tells in a text, spaces in the place of all else."""
        return narration(self.open(text))


def narrated_chapters(chapters: Iterable[Chapter]) -> dict[str, Narrated]:
    """Find the chapters that a narrator tells, by their labels.

    Args:
        chapters: that are read, in order.
    """
    found: dict[str, Narrated] = {}
    num_words = num_narrated = 0
    for chapter in chapters:
        num_words += chapter.num_words
        prose = BLOCK_SEPARATOR.join(
            block.text for block in chapter.blocks if block.kind is BlockKind.PARAGRAPH
        )
        narrated = Narrated(is_tale(prose))
        if has_narrator(narrated.open(prose)):
            num_narrated += chapter.num_words
            if num_narrated >= MIN_NARRATED * num_words:
                found[chapter.label] = narrated
    return found


def narrated_places(
    sentences: Iterable[Sentence], chapters: Mapping[str, Narrated]
) -> frozenset[int]:
    """Give the places, in `Book.text`, of what a narrator tells of himself, outside of any speech.

    Args:
        sentences: of the book.
        chapters: that he tells.
    """
    places: set[int] = set()
    # A paragraph may be all of a book: what is told in it is looked for once.
    for _, group in groupby(sentences, key=lambda one: (one.chapter.label, id(one.block))):
        inside = list(group)
        block = inside[0].block
        narrated = chapters.get(inside[0].chapter.label)
        if narrated is not None and block.kind is BlockKind.PARAGRAPH:
            text, told = narrated.open(block.text), narrated.told(block.text)
            places |= {one.place[0] for one in inside if _is_of_narrator(one, text, told)}
    return frozenset(places)


def _is_of_narrator(sentence: Sentence, text: str, told: str) -> bool:
    own = text[sentence.start : sentence.end]
    is_whole = told[sentence.start : sentence.end] == own
    return is_whole and of_himself(own, own) and not asks(own)
