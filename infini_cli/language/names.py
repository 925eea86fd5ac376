"""Which words of a text are names, by its capitals."""

from __future__ import annotations

import re
from collections import Counter

from infini_cli.language.stems import stems

MAX_CAPITALISED = 0.2
"""In English and French about one word in twenty inside sentences has a capital; where one in
five has, as in German or in a text in capitals, they mark no names."""
_INSIDE = re.compile(r"(?<=[\w,;:] )[^\W\d_][\w'\u2019]*")


def words_inside(text: str) -> list[str]:
    """Give the words inside sentences, where a capital means something."""
    return _INSIDE.findall(text)


def find_names(counts: Counter[str]) -> frozenset[str] | None:
    """Give the stems of the words that have a capital more often than not.

    Args:
        counts: of the words inside sentences.

    Returns:
        None where capitals mark no names.
    """
    capitalised = {word: count for word, count in counts.items() if word[0].isupper()}
    if sum(capitalised.values()) > MAX_CAPITALISED * counts.total():
        return None
    names = {word for word, count in capitalised.items() if count > counts[word.lower()]}
    return frozenset(stem for name in names for stem in stems(name))
