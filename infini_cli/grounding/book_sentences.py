"""The sentences of a book, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infini_cli.grounding.cited import SummarySentence
from infini_cli.grounding.grounder import cite_exactly
from infini_cli.language.sentences import split_sentences
from infini_cli.reading.book import Block, BlockKind, Chapter

_TEXT_KINDS = (BlockKind.PARAGRAPH, BlockKind.QUOTE, BlockKind.LIST_ITEM, BlockKind.VERSE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and where it stands.

    Attributes:
        text: on one line.
        chapter, block: where.
        start, end: offsets in the block.
    """

    text: str
    chapter: Chapter
    block: Block
    start: int
    end: int

    @property
    def num_words(self) -> int:
        """Whitespace-separated words."""
        return len(self.text.split())

    @property
    def place(self) -> tuple[int, int]:
        """Offsets in `Book.text`."""
        return self.block.start + self.start, self.block.start + self.end

    @property
    def cited(self) -> SummarySentence:
        """The sentence with its own place."""
        return self.cited_as(self.text)

    def cited_as(self, text: str) -> SummarySentence:
        """Give a text the sentence's place."""
        return cite_exactly(text, self.chapter, self.block, self.start, self.end)


def sentences_of(chapters: Iterable[Chapter]) -> list[Sentence]:
    """Give the sentences of chapters in reading order; headings and the like are none."""
    return [
        Sentence(" ".join(block.text[start:end].split()), chapter, block, start, end)
        for chapter in chapters
        for block in chapter.blocks
        if block.kind in _TEXT_KINDS
        for start, end in split_sentences(block.text)
    ]
