"""Whether a sentence speaks of a man where its source speaks of a woman, or the reverse.

Who "he" is a small model sometimes gets wrong, and then changes the pronouns that are left to fit.
"""

from __future__ import annotations

from infini_cli.tasks.stems import words

_GENDERS = (
    frozenset({"he", "him", "his", "himself"}),
    frozenset({"she", "her", "hers", "herself"}),
)


def keeps_genders(sentence: str, source: str) -> bool:
    """Tell whether a source has pronouns of every gender that a sentence has; in English."""
    in_sentence, in_source = frozenset(words(sentence)), frozenset(words(source))
    return not any(in_sentence & gender and not in_source & gender for gender in _GENDERS)
