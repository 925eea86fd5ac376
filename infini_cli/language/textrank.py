"""TextRank (Mihalcea and Tarau 2004): the sentences most like all the others.

Long books are ranked chapter by chapter first, so that memory stays bounded: the similarity
matrix of a whole novel would take gigabytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infini_cli.language.stems import stems

MAX_SENTENCES = 2000
MAX_COLUMNS = 20_000
"""With `MAX_SENTENCES` the bound on memory: 160 MB, whatever the text."""
DAMPING = 0.85
NUM_STEPS = 50
TOLERANCE = 1e-7
MIN_WORDS, MAX_WORDS = 5, 60
"""Shorter sentences say little, longer ones would be the whole summary."""


def rank_sentences(sentences: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Give indices, the most central sentence first.

    Args:
        sentences: in reading order.
        groups: the label of the chapter of each.
    """
    usable = [i for i, text in enumerate(sentences) if MIN_WORDS <= len(text.split()) <= MAX_WORDS]
    candidates = usable or list(range(len(sentences)))
    while len(candidates) > MAX_SENTENCES:
        candidates = _best_of_groups(sentences, groups, candidates)
    scores = _scores([sentences[index] for index in candidates])
    order = np.argsort(-scores, kind="stable")
    return [candidates[int(place)] for place in order]


def _best_of_groups(
    sentences: Sequence[str], groups: Sequence[str], candidates: Sequence[int]
) -> list[int]:
    """Keep each chapter's best, in proportion to its length; always fewer than before."""
    members: dict[tuple[str, int], list[int]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    for index in candidates:
        group = groups[index]
        members[group, counts[group] // MAX_SENTENCES].append(index)
        counts[group] += 1
    share = min(0.5, MAX_SENTENCES / len(candidates))
    kept: list[int] = []
    for indices in members.values():
        scores = _scores([sentences[index] for index in indices])
        num_kept = max(1, int(len(indices) * share))
        order = np.argsort(-scores, kind="stable")[:num_kept]
        kept.extend(indices[int(place)] for place in order)
    kept.sort()
    return kept if len(kept) < len(candidates) else kept[:MAX_SENTENCES]


def _scores(sentences: Sequence[str]) -> NDArray[np.float64]:
    words = [Counter(stems(sentence)) for sentence in sentences]
    frequency = Counter(word for sentence in words for word in sentence)
    # What stands in one sentence only makes it longer, and like no other: it needs no column.
    kept = [word for word, count in frequency.most_common(MAX_COLUMNS) if count > 1]
    column = {word: place for place, word in enumerate(kept)}
    if not frequency:
        return np.zeros(len(sentences))
    weight = {word: np.log((1 + len(sentences)) / (1 + n)) + 1 for word, n in frequency.items()}
    counts = np.zeros((len(sentences), len(column)), dtype=np.float32)
    for row, sentence in enumerate(words):
        length = sum((n * weight[word]) ** 2 for word, n in sentence.items()) ** 0.5
        for word, n in sentence.items():
            if word in column:
                counts[row, column[word]] = n * weight[word] / length
    similarity = counts @ counts.T
    np.fill_diagonal(similarity, 0)
    similarity /= np.maximum(similarity.sum(axis=1, keepdims=True), 1e-12)
    scores = np.full(len(sentences), 1 / len(sentences))
    for _ in range(NUM_STEPS):
        after = (1 - DAMPING) / len(sentences) + DAMPING * (scores @ similarity)
        if np.abs(after - scores).sum() < TOLERANCE:
            break
        scores = after
    return scores
