"""Which sentences tell a book: those of notes that are to be trusted, and the book's own.

Shortening notes together costs truth: a small model that makes one sentence of four mixes up who
did what. So nothing is written again. What is not to be trusted has gone before (`trust.py`). All
others stand in one line, by how much what they tell matters; a note is worth more than a quotation
of the same, since it is short and in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from infini_cli.grounding.book_sentences import Sentence
from infini_cli.grounding.passages import Span
from infini_cli.grounding.quotations import can_be_quoted
from infini_cli.grounding.support import share
from infini_cli.language.sentences import split_sentences, stands_alone
from infini_cli.language.stems import stems
from infini_cli.tasks.parts import Part
from infini_cli.tasks.salience import Salience

WORDS_PER_STRETCH = 40
"""Of a summary of the whole, for each stretch of the book: a sentence from everywhere, then as many
again from where most happens."""
NARRATOR_BONUS = 0.5
"""Standard deviations that what a narrator tells of himself has before the rest, in a summary of
the whole: a story that one of its people tells is mostly his."""
NOTE_BONUS = 1.0
"""Standard deviations of salience that a note has before a quotation. With more, summaries are
further from what people write; with less they are as near, and have more of the book in them."""
SHARED_WEIGHT = 2.5
"""Standard deviations that a question's words are worth, all of them in one sentence."""
NEIGHBOUR_SHARE = 0.5
"""Of the words that a neighbouring sentence shares with the question."""
MIN_WORDS = 7
"""Fewer are easily true and say nothing ("The hand is small and upright.")."""
_OTHER_VOICE = re.compile(r"\b(?:I|me|my|mine|we|us|our|ours|you|your|yours)\b")
"""Speech, or a narrator, that a note took over ("Kessarine was my father's friend")."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may stand in a summary: of a note, or the book's own.

    Attributes:
        value: what it is worth, in standard deviations of salience.
        index: of the sentence of the book that it is, or that it is from.
        part: the sentence with its note; None where it is the book's own.
        sentence: the book's own; None where it is of a note.
    """

    value: float
    index: int
    part: Part | None = None
    sentence: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What may stand in a summary.

    Attributes:
        candidates: the best first.
        num_words: of the text that it is taken from.
    """

    candidates: tuple[Candidate, ...]
    num_words: int


def choose(
    notes: Sequence[Part],
    salience: Salience,
    words: int,
    *,
    question: str | None = None,
    within: Sequence[Span] | None = None,
    quote: bool = True,
) -> Choice:
    """Put sentences in the order in which they are worth telling.

    Args:
        notes: to be trusted, in reading order.
        salience: of the book.
        words: how long the text is to be.
        question: what it is to answer; None: all of the book.
        within: the parts of the book it is about, as offsets in `Book.text`; None: all.
        quote: whether the book's own sentences are among them.
    """
    inside = salience.inside(within)
    shared = _shared(salience, inside, question)
    candidates = [*_of_notes(notes, salience, shared, question)]
    if quote and (question is None or any(shared.values())):
        candidates += [
            Candidate(
                salience.values[i] + SHARED_WEIGHT * shared[i] + _bonus(salience, i, question),
                i,
                sentence=sentence,
            )
            for i in inside
            if can_be_quoted(sentence := salience.sentences[i])
        ]
    # Stable: of equals the earlier one comes first.
    candidates.sort(key=lambda one: -one.value)
    if question is None and inside:
        num_stretches = max(1, round(words / WORDS_PER_STRETCH))
        candidates = _spread(candidates, inside, num_stretches)
    num_words = sum(salience.sentences[i].num_words for i in inside)
    return Choice(tuple(candidates), num_words)


def choose_notes(notes: Sequence[Part], salience: Salience, words: int) -> list[Part]:
    """Give sentences of notes on all of a book, about so many words, in reading order.

    Args:
        notes: in reading order.
        salience: of the book.
        words: how many are wanted.
    """
    chosen: list[tuple[int, Part]] = []
    total = 0
    for candidate in choose(notes, salience, words, quote=False).candidates:
        if total >= words:
            break
        assert candidate.part is not None
        chosen.append((candidate.index, candidate.part))
        total += candidate.part.num_words
    return [part for _, part in sorted(chosen, key=lambda pair: pair[0])]


def tells(sentence: str) -> bool:
    """Tell whether a sentence says something by itself, in the summary's own voice."""
    is_long = len(sentence.split()) >= MIN_WORDS
    return is_long and stands_alone(sentence) and _OTHER_VOICE.search(sentence) is None


def _of_notes(
    notes: Sequence[Part], salience: Salience, shared: dict[int, float], question: str | None
) -> Iterator[Candidate]:
    """Give the sentences of notes; those that tell nothing by themselves only if all are such."""
    found = [(note, text) for note in notes for text in _sentences(note)]
    found = [pair for pair in found if tells(pair[1])] or found
    asked = stems(question) if question is not None else []
    for part, text in found:
        (note,) = part.notes
        origin = salience.origin(text, note)
        index, value = (origin.index, origin.value) if origin is not None else (0, 0.0)
        if asked:
            own = share(asked, frozenset(stems(text)))
            value += SHARED_WEIGHT * max(own, NEIGHBOUR_SHARE * shared.get(index, 0.0))
        value += NOTE_BONUS + _bonus(salience, index, question)
        yield Candidate(value, index, part=Part(text, note=note))


def _bonus(salience: Salience, index: int, question: str | None) -> float:
    is_his = question is None and index in salience.narrated
    return NARRATOR_BONUS if is_his else 0.0


def _shared(salience: Salience, inside: Sequence[int], question: str | None) -> dict[int, float]:
    """Give the share of a question's words that each sentence has, or half of its neighbours'.

    What is asked often stands beside what tells of it.
    """
    if question is None:
        return dict.fromkeys(inside, 0.0)
    asked = stems(question)
    own = np.array([share(asked, salience.stems(index)) if asked else 0.0 for index in inside])
    near = own.copy()
    near[1:] = np.maximum(near[1:], NEIGHBOUR_SHARE * own[:-1])
    near[:-1] = np.maximum(near[:-1], NEIGHBOUR_SHARE * own[1:])
    return dict(zip(inside, near.tolist(), strict=True))


def _spread(
    candidates: Sequence[Candidate], inside: Sequence[int], num_stretches: int
) -> list[Candidate]:
    """Put the best of each stretch first, then the rest; candidates have the best first."""
    first, size = inside[0], inside[-1] - inside[0] + 1
    told: set[int] = set()
    best: list[Candidate] = []
    others: list[Candidate] = []
    for candidate in candidates:
        stretch = (candidate.index - first) * num_stretches // size
        (others if stretch in told else best).append(candidate)
        told.add(stretch)
    return [*best, *others]


def _sentences(part: Part) -> list[str]:
    spans = split_sentences(part.text)
    return [" ".join(part.text[start:end].split()) for start, end in spans]
