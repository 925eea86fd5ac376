"""The segment plan: a whole book as token ids, in the portions that the model reads.

Segments end where chapters end, so that a chapter's summary can be written as
a branch off its last segment, and none is longer than what the model attends
to locally. Nothing is dropped: the ids of a chapter's segments, joined, are
the encoding of its text.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infini_cli.reading.book import BlockKind, Book, Chapter
from infini_cli.tokens.coverage import Coverage
from infini_cli.tokens.cuts import cut_tokens
from infini_cli.tokens.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Tokens that are read at once.

    Attributes:
        index: 0-based, over the whole plan.
        chapter_label, chapter_title: of the chapter they belong to.
        ids: the tokens, read-only.
        starts: offset in `Book.text` of each token's first character.
        start: offset in `Book.text` of the first character.
        end: offset just past the last; the next segment of the chapter begins here.
        first_block: id of the block that holds the first character.
        last_block: id of the block that holds the last.
        ends_chapter: whether this is the chapter's last segment.
    """

    index: int
    chapter_label: str
    chapter_title: str
    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    start: int
    end: int
    first_block: str
    last_block: str
    ends_chapter: bool

    @property
    def num_tokens(self) -> int:
        """Tokens in it."""
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class SegmentPlan:
    """A book's kept chapters as segments; two plans are the same if their `sha256` is.

    Attributes:
        segments: in reading order.
        segment_length: the most tokens in a segment.
        tokenizer_sha256: what the ids mean.
        num_words: words of the kept chapters.
    """

    segments: tuple[Segment, ...]
    segment_length: int
    tokenizer_sha256: str
    num_words: int

    @property
    def num_tokens(self) -> int:
        """Tokens in all."""
        return sum(segment.num_tokens for segment in self.segments)

    @property
    def num_chapters(self) -> int:
        """Chapters that have segments."""
        return sum(segment.ends_chapter for segment in self.segments)

    def chapter_segments(self, label: str) -> tuple[Segment, ...]:
        """Give the segments of a chapter, none if it was left out."""
        return tuple(segment for segment in self.segments if segment.chapter_label == label)

    def coverage(self, tokens_read: int | None = None) -> Coverage:
        """State what was read.

        Args:
            tokens_read: counted by whoever read them; the whole plan if not given.
        """
        read = self.num_tokens if tokens_read is None else tokens_read
        whole = read == self.num_tokens
        words = self.num_words if whole else self.num_words * read // max(1, self.num_tokens)
        return Coverage(
            tokens_read=read,
            num_tokens=self.num_tokens,
            num_segments=len(self.segments),
            num_chapters=self.num_chapters,
            words_read=words,
            num_words=self.num_words,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the tokenizer, the ids and where they are cut, for caches."""
        return self.prefix_sha256(len(self.segments))

    def prefix_sha256(self, num_segments: int) -> str:
        """Hash the first segments alone: equal to the `sha256` of a plan that ends there.

        Args:
            num_segments: how many, 0 to all.
        """
        digest = hashlib.sha256(f"{self.tokenizer_sha256} {self.segment_length}\n".encode())
        for segment in self.segments[:num_segments]:
            place = (segment.chapter_label, segment.start, segment.end, segment.num_tokens)
            digest.update(f"{place}\n".encode())
            digest.update(segment.ids.astype("<i4", copy=False).tobytes())
        return digest.hexdigest()


def plan_segments(book: Book, tokenizer: Tokenizer, segment_length: int) -> SegmentPlan:
    """Encode the kept chapters of a book and cut them into segments.

    A chapter's blocks are its text, its heading among them; chapters are
    encoded one by one and short ones are not merged, so the plan of a book's
    first chapters is the beginning of the plan of the whole book.

    Args:
        book: what was read; chapters left out are not encoded.
        tokenizer: of the model that will read it.
        segment_length: the most tokens in a segment, at least 1.
    """
    if segment_length < 1:
        raise ValueError("a segment holds at least one token")
    segments: list[Segment] = []
    for chapter in book.kept_chapters:
        segments.extend(_cut_chapter(chapter, tokenizer, segment_length, len(segments)))
    return SegmentPlan(tuple(segments), segment_length, tokenizer.sha256, book.num_words)


def _cut_chapter(
    chapter: Chapter, tokenizer: Tokenizer, segment_length: int, first_index: int
) -> Iterator[Segment]:
    text = chapter.text
    encoded = tokenizer.encode_with_offsets(text)
    if not len(encoded.ids):
        return
    encoded.ids.setflags(write=False)
    blocks = chapter.blocks
    base = blocks[0].start
    starts = [block.start - base for block in blocks]
    # A heading stays with what it heads.
    breaks = [
        start
        for start, before in zip(starts[1:], blocks[:-1], strict=True)
        if before.kind is not BlockKind.HEADING
    ]
    cuts = cut_tokens(encoded, text, breaks, segment_length)
    bounds = [0, *cuts, len(encoded.ids)]
    places = [0, *(int(encoded.starts[cut]) for cut in cuts), len(text)]
    for part in range(len(bounds) - 1):
        start, end = places[part], places[part + 1]
        yield Segment(
            index=first_index + part,
            chapter_label=chapter.label,
            chapter_title=chapter.title,
            ids=encoded.ids[bounds[part] : bounds[part + 1]],
            starts=encoded.starts[bounds[part] : bounds[part + 1]] + np.int32(base),
            start=base + start,
            end=base + end,
            first_block=blocks[bisect_right(starts, start) - 1].id,
            last_block=blocks[bisect_right(starts, max(start, end - 1)) - 1].id,
            ends_chapter=part == len(bounds) - 2,
        )
