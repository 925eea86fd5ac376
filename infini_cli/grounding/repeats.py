"""Tell whether a sentence says what an earlier one has said."""

from __future__ import annotations

from collections.abc import Iterable

from infini_cli.grounding.agreement import Claim
from infini_cli.grounding.support import share

MAX_SHARED = 0.8
"""Of a sentence's stems in one earlier sentence; with more it adds a word or two at most."""


def repeated(claim: Claim, earlier: Iterable[Claim]) -> int | None:
    """Give the index of the first earlier sentence that says as much; None if none does.

    A sentence with a name or a number that the other lacks is news, whatever else they share.

    Args:
        claim: of the sentence.
        earlier: of those before it.
    """
    for index, other in enumerate(earlier):
        words = frozenset(other.words)
        is_news = not claim.names <= words or any(
            number not in other.numbers for number in claim.numbers
        )
        if not is_news and share(claim.words, words) > MAX_SHARED:
            return index
    return None
