"""Where to cut a chapter's tokens: nearly equal parts, at a paragraph's end where one is near."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from infini_cli.tokens.tokenizer import Encoded

_FILL = 0.9
"""Parts are planned this full, which leaves room to move a cut to a paragraph's end."""

_REACH = 4
"""A better kind of cut is taken only within a part's length over this from the even cut."""

_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'’”)\]]*(?=\s)|[。！？]+[」』]*)")
"""A hint for a cut only; `tasks.sentences` splits sentences properly."""


def cut_tokens(
    encoded: Encoded, text: str, block_starts: Sequence[int], max_tokens: int
) -> list[int]:
    """Cut a chapter into parts of at most `max_tokens`.

    A chapter that fits is one part. Of the cuts near the even ones, the end of
    a paragraph is preferred, else the end of a sentence, else of a word, else
    of a character; a cut inside a character (whose bytes are several tokens)
    is the last resort.

    Args:
        encoded: the chapter's tokens and their offsets in `text`.
        text: the chapter.
        block_starts: offsets in `text` at which its paragraphs begin.
        max_tokens: the most tokens in a part, at least 1.

    Returns:
        the token indices at which parts begin, the first one (0) left out.
    """
    num_tokens = len(encoded.ids)
    if num_tokens <= max_tokens:
        return []
    num_parts = -(-num_tokens // max(1, int(max_tokens * _FILL)))
    tiers = _tiers(encoded, text, block_starts)
    cuts: list[int] = []
    previous = 0
    for num_left in range(num_parts - 1, 0, -1):
        # What is left after the cut must fit into `num_left` parts, none of them empty.
        lowest = max(previous + 1, num_tokens - num_left * max_tokens)
        highest = min(previous + max_tokens, num_tokens - num_left)
        target = previous + round((num_tokens - previous) / (num_left + 1))
        reach = max_tokens // _REACH
        previous = _nearest(
            tiers, target, max(lowest, target - reach), min(highest, target + reach)
        )
        cuts.append(previous)
    return cuts


def _tiers(
    encoded: Encoded, text: str, block_starts: Sequence[int]
) -> tuple[NDArray[np.int64], ...]:
    """Give the token indices of the possible cuts, each kind sorted, the best kind first."""
    indices = np.arange(1, len(encoded.ids))
    whole = indices[encoded.starts[1:] >= encoded.ends[:-1]]
    is_space = np.fromiter(map(str.isspace, text), dtype=bool, count=len(text))
    ends = encoded.ends[whole - 1]
    # At a word's end the next character is blank, or the one before is.
    at_word = is_space[np.minimum(ends, len(text) - 1)] | is_space[np.maximum(ends - 1, 0)]
    return (
        _at_offsets(whole, encoded, block_starts),
        _at_offsets(whole, encoded, list(_sentence_ends(text))),
        whole[at_word],
        whole,
    )


def _at_offsets(
    whole: NDArray[np.int64], encoded: Encoded, offsets: Sequence[int]
) -> NDArray[np.int64]:
    """Give the first cut at or after each character offset."""
    positions = np.searchsorted(encoded.ends[whole - 1], np.asarray(offsets, dtype=np.int64))
    return np.unique(whole[positions[positions < len(whole)]])


def _sentence_ends(text: str) -> Iterator[int]:
    return (match.end() for match in _SENTENCE_END.finditer(text))


def _nearest(tiers: tuple[NDArray[np.int64], ...], target: int, lowest: int, highest: int) -> int:
    """Give the cut of the best kind that has one in bounds, the one nearest to the target."""
    for cuts in tiers:
        first, last = np.searchsorted(cuts, [lowest, highest + 1])
        if first < last:
            inside = cuts[first:last]
            return int(inside[np.abs(inside - target).argmin()])
    return target
