"""Add up what was left out of the parts of a book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from infini_cli.reading.book import Removal


def sum_removals(removals: Iterable[Removal]) -> tuple[Removal, ...]:
    """Make one entry of all of a kind."""
    counts: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for removal in removals:
        counts[removal.what] += removal.count
        words[removal.what] += removal.num_words
    return tuple(Removal(what, count, words[what]) for what, count in counts.items())
