"""Which sentences of a segment a note is asked about, where the model was taught to be asked so.

A model that is asked what happens on a page tells something of it, often something that nobody
misses in a summary. One that is shown a sentence of the page and tells that one, with the names of
those whom the sentence calls "he", tells what matters most: which sentences do is known as soon as
the segment was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from infini_cli.grounding.book_sentences import Sentence
from infini_cli.language.same_claim import claims_by_itself

NUM_POINTS = 2
"""Notes on a segment, which has about 30 sentences."""
MIN_WORDS = 7
"""Shorter sentences say little by themselves ("That is the heron.")."""
MAX_WORDS = 60
"""Shown of a sentence; a longer one is cut."""


def points(
    sentences: Sequence[Sentence], values: Mapping[int, float], narrated: Set[int] = frozenset()
) -> list[str]:
    """Choose what is to be told of a segment, in reading order.

    Args:
        sentences: that begin in it.
        values: how much each matters, by its offset in `Book.text`; what has none is left out.
        narrated: what a narrator tells of himself, by its offset; it is told of "the narrator".

    Returns:
        `NUM_POINTS` passages, on one line each; none where no sentence has a value. Where there
        are fewer sentences the last is there again: texts that continue segments side by side are
        the same to the last bit only where each segment is continued by as many.
    """
    known = [one for one in sentences if one.place[0] in values]
    long = [one for one in known if one.num_words >= MIN_WORDS] or known
    # What is told of others would not be trusted.
    plain = [one for one in long if one.place[0] in narrated or claims_by_itself(one.text)] or long
    # Stable: of equals the earlier one comes first.
    best = sorted(plain, key=lambda one: -values[one.place[0]])[:NUM_POINTS]
    told = [_as_passage(one.text) for one in sorted(best, key=lambda one: one.place)]
    return told + told[-1:] * (NUM_POINTS - len(told))


def _as_passage(text: str) -> str:
    return " ".join(text.split()[:MAX_WORDS])
