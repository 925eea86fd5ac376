"""What a text says that its source does not: sentences whose words are not in it are left out.

A small model writes sentences on events that never were. Most of them give themselves away:
the words they turn on ("robbery", "arrested", "crucial") are nowhere in what was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from itertools import chain

from infini_cli.language.names import find_names, words_inside
from infini_cli.language.order import order
from infini_cli.language.sentences import split_sentences
from infini_cli.language.stems import stems
from infini_cli.store.book_memory import Note

MIN_SUPPORT = 0.7
"""Below it, most sentences of the 1.5B model's notes on the example are wrong or empty."""
NOTE_REACH = 2
"""Neighbouring sentences of a page that must have a note's words together. A small model mixes up
who did what, and then its words are from all over the page. Of 102 sentences on the example judged
by hand 29 had their words in one place and 24 of those were true; 90 had them anywhere, and 37."""
NEARLY = 0.9
"""Of what two sentences have in order: one of them that has so much is the place by itself."""
NAME_REACH = 1
"""Sentences before and after that may name whom it is about."""


def support(sentence: str, source_stems: frozenset[str]) -> float:
    """Give the share of a sentence's words that stand in its source, stop words left out.

    Returns:
        0 to 1; 1 for a sentence of stop words alone.
    """
    return share(stems(sentence), source_stems)


def share(words: Sequence[str], known: Set[str]) -> float:
    """Give the share of words that are known, 0 to 1; 1 where there are none."""
    return sum(word in known for word in words) / len(words) if words else 1.0


def keep_supported(text: str, source: str, *, reach: int | None = None) -> tuple[str, float]:
    """Leave out the sentences that their source does not bear.

    Args:
        text: what was written.
        source: what it was written from.
        reach: neighbouring sentences of the source that must have a sentence's words together,
            its names with one more on either side; None: they may be anywhere in it.

    Returns:
        The other sentences, in order, and the support of the best one; where none is borne,
        that one alone.
    """
    measure = Source(source, reach)
    sentences = [text[start:end] for start, end in split_sentences(text)]
    if not sentences:
        return text, 0.0
    scores = [measure.support(sentence) for sentence in sentences]
    least = least_support(scores)
    kept = [sentence for sentence, score in zip(sentences, scores, strict=True) if score >= least]
    return " ".join(kept), max(scores)


def least_support(scores: Sequence[float]) -> float:
    """Give the support below which a sentence goes: where none has enough, the best stays."""
    return min(MIN_SUPPORT, max(scores, default=0.0))


class Source:
    """Where the words of a text stand together.

    Args:
        text: what was written from.
        reach: as for `keep_supported`.
    """

    def __init__(self, text: str, reach: int | None) -> None:
        spans = split_sentences(text) if reach is not None else [(0, len(text))]
        in_order = [stems(text[start:end]) for start, end in spans]
        of_each = [frozenset(words) for words in in_order]
        size = reach or 1
        firsts = range(max(1, len(of_each) - size + 1))
        self._size = size
        self._spans = spans
        self._stems_of_each = in_order
        self._runs = [frozenset[str]().union(*of_each[i : i + size]) for i in firsts]
        self._in_order = [list(chain(*in_order[i : i + size])) for i in firsts]
        # Who acts may be named just before or after, not elsewhere on the page.
        self._around = [
            frozenset[str]().union(*of_each[max(0, i - NAME_REACH) : i + size + NAME_REACH])
            for i in firsts
        ]
        self._names = find_names(Counter(words_inside(text))) or frozenset()

    def support(self, sentence: str) -> float:
        """Give the share of its words that stand in one place that has its names as well."""
        words = stems(sentence)
        names = self._names.intersection(words)
        return max(
            (
                share(words, run)
                for run, around in zip(self._runs, self._around, strict=True)
                if names <= around
            ),
            default=0.0,
        )

    def place(self, sentence: str) -> tuple[float, tuple[int, int]]:
        """Find the place that has most of its words in its order.

        Returns:
            Their share, and where in the text; of one sentence alone if that has nearly all.
        """
        words = stems(sentence)
        shares = [order(words, place) for place in self._in_order]
        first = max(range(len(shares)), key=shares.__getitem__)
        run = slice(first, first + self._size)
        inside = self._spans[run] or [(0, 0)]
        for span, own in zip(inside, self._stems_of_each[run], strict=False):
            if order(words, own) >= NEARLY * shares[first]:
                return shares[first], span
        return shares[first], (inside[0][0], inside[-1][1])


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
