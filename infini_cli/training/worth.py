"""How much of a sentence people took over into their summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infini_cli.language.stems import stem, words

PAIR_WEIGHT = 2.0
"""Of two words that follow each other in both, beside the words themselves."""
NUM_EXTRA_WORDS = 4
"""Added to a sentence's length: else the shortest would be worth most."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, each once, and its pairs of neighbours."""

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    length: int


def worth(sentences: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """Tell of each sentence how many of its words and pairs summaries have, for its length.

    Args:
        sentences: of a text.
        references: summaries of it, at least one.

    Returns:
        The mean over the summaries, [sentences].
    """
    summaries = [_words(reference) for reference in references]
    found = [_words(sentence) for sentence in sentences]
    shared = [
        sum(
            len(one.words & summary.words) + PAIR_WEIGHT * len(one.pairs & summary.pairs)
            for summary in summaries
        )
        / (one.length + NUM_EXTRA_WORDS)
        for one in found
    ]
    return np.array(shared, dtype=np.float64) / len(references)


def _words(text: str) -> _Words:
    found = [stem(word) for word in words(text)]
    return _Words(frozenset(found), frozenset(pairwise(found)), len(found))
