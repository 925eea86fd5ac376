"""What a text says that its source does not: sentences whose words are not in it are left out.

A small model writes sentences on events that never were. Most of them give themselves away:
the words they turn on ("robbery", "arrested", "crucial") are nowhere in what was read.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from infini_cli.store.book_memory import Note
from infini_cli.tasks.passages import stems
from infini_cli.tasks.sentences import split_sentences

MIN_SUPPORT = 0.7
"""Below it, most sentences of the 1.5B model's notes on the example are wrong or empty."""


def support(sentence: str, source_stems: frozenset[str]) -> float:
    """Give the share of a sentence's words that stand in its source, stop words left out.

    Returns:
        0 to 1; 1 for a sentence of stop words alone.
    """
    return share(stems(sentence), source_stems)


def share(words: Sequence[str], known: Set[str]) -> float:
    """Give the share of words that are known, 0 to 1; 1 where there are none."""
    return sum(word in known for word in words) / len(words) if words else 1.0


def keep_supported(text: str, source: str) -> tuple[str, float]:
    """Leave out the sentences that their source does not bear.

    Args:
        text: what was written.
        source: what it was written from.

    Returns:
        The other sentences, in order, and the support of the best one; where none is borne,
        that one alone.
    """
    source_stems = frozenset(stems(source))
    sentences = [text[start:end] for start, end in split_sentences(text)]
    if not sentences:
        return text, 0.0
    scores = [support(sentence, source_stems) for sentence in sentences]
    best = max(scores)
    kept = [
        sentence
        for sentence, score in zip(sentences, scores, strict=True)
        if score >= min(MIN_SUPPORT, best)
    ]
    return " ".join(kept), best


def is_borne_answer(answer: str, question: str, passages: Sequence[str]) -> bool:
    """Tell whether an answer says anything, and anything that the passages say.

    One that only repeats the question's words is none; nor is one that adds words of which not
    one stands in any passage. Numbers are left aside: books write them out.

    Args:
        answer: what the model wrote.
        question: what was asked.
        passages: what the model saw.
    """
    asked = frozenset(stems(question))
    added = [word for word in stems(answer) if word not in asked]
    words = [word for word in added if not any(character.isdigit() for character in word)]
    known = {word for passage in passages for word in stems(passage)}
    return bool(added) and (not words or any(word in known for word in words))


def reliable(notes: Sequence[Note]) -> list[Note]:
    """Leave out the notes that their segments do not bear, if others tell of the same chapter.

    Where most notes are such, the model writes in another language than the book's, or cannot
    write: then words tell nothing, and all stay.
    """
    borne = [note for note in notes if note.support >= MIN_SUPPORT]
    if 2 * len(borne) < len(notes):
        return list(notes)
    told = {note.chapter_label for note in borne}
    return [n for n in notes if n.support >= MIN_SUPPORT or n.chapter_label not in told]
