"""Which tokens of a segment are which sentence of the book."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from infini_cli.tokens.segments import Segment

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SentenceTokens:
    """The tokens of a sentence that begins in a segment, as far as they are in it.

    Attributes:
        start: offset of the sentence in `Book.text`.
        first, end: indices of its tokens in the segment, at least one.
    """

    start: int
    first: int
    end: int


def sentence_tokens(segment: Segment, places: Sequence[Span]) -> Iterator[SentenceTokens]:
    """Give the tokens of each sentence that begins in a segment.

    What a cut between segments parts from the beginning of a sentence is left out.

    Args:
        segment: of the plan.
        places: of the book's sentences, as offsets in `Book.text`, in order.
    """
    index = bisect_left(places, (segment.start, segment.start))
    while index < len(places) and places[index][0] < segment.end:
        start, end = places[index]
        # A token may begin with the blank before a sentence.
        first = max(0, int(np.searchsorted(segment.starts, start, "right")) - 1)
        after = int(np.searchsorted(segment.starts, end, "left"))
        yield SentenceTokens(start, first, max(first + 1, after))
        index += 1
