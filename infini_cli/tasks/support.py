"""What a text says that its source does not: sentences whose words are not in it are left out.

A small model writes sentences on events that never were. Most of them give themselves away:
the words they turn on ("robbery", "arrested", "crucial") are nowhere in what was read.
"""

from __future__ import annotations

from infini_cli.tasks.passages import stems
from infini_cli.tasks.sentences import split_sentences

MIN_SUPPORT = 0.7
"""Below it, most sentences of the 1.5B model's notes on the example are wrong or empty."""


def support(sentence: str, source_stems: frozenset[str]) -> float:
    """Give the share of a sentence's words that stand in its source, stop words left out.

    Returns:
        0 to 1; 1 for a sentence of stop words alone.
    """
    words = stems(sentence)
    return sum(word in source_stems for word in words) / len(words) if words else 1.0


def keep_supported(text: str, source: str) -> str:
    """Leave out the sentences that their source does not bear.

    Args:
        text: what was written.
        source: what it was written from.

    Returns:
        The other sentences, in order; where none is borne, the best of them.
    """
    source_stems = frozenset(stems(source))
    sentences = [text[start:end] for start, end in split_sentences(text)]
    if not sentences:
        return text
    scores = [support(sentence, source_stems) for sentence in sentences]
    least = min(MIN_SUPPORT, max(scores))
    return " ".join(
        sentence for sentence, score in zip(sentences, scores, strict=True) if score >= least
    )
