"""How far a sentence keeps the words of a text in their order."""

from __future__ import annotations

from collections.abc import Sequence


def order(words: Sequence[str], text: Sequence[str]) -> float:
    """Give the share of words that a text has in the same order, with anything between them.

    It is the recall of ROUGE-L (Lin 2004): who did what to whom is in the order of words.

    Returns:
        0 to 1; 0 where there are no words.
    """
    return _longest_common_subsequence(words, text) / len(words) if words else 0.0


def _longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    longest = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for place, other in enumerate(second, start=1):
            above = longest[place]
            longest[place] = before + 1 if word == other else max(above, longest[place - 1])
            before = above
    return longest[-1]
