"""A summary of the notes as they are: from each stretch of the book the sentence most like all.

Shortening notes together costs truth: a small model that makes one sentence of four mixes up who
did what. So nothing is written again. What is not to be trusted has gone before (`trust.py`). Of
each stretch of the book TextRank over the whole decides, which puts the sentences first whose
people and things come back elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from infini_cli.tasks.parts import Part
from infini_cli.tasks.sentences import split_sentences, stands_alone
from infini_cli.tasks.stems import stems
from infini_cli.tasks.support import share
from infini_cli.tasks.textrank import rank_sentences

MEAN_WORDS = 16
"""Of a sentence of the notes: what decides how many are chosen."""
MIN_WORDS = 7
"""Fewer are easily true and say nothing ("The hand is small and upright.")."""
_OTHER_VOICE = re.compile(r"\b(?:I|me|my|mine|we|us|our|ours|you|your|yours)\b")
"""Speech, or a narrator, that a note took over ("Kessarine was my father's friend")."""
MIN_OF_NEAREST = 0.5
"""Of the words that the sentence nearest to a question shares with it; one with fewer is about
something else."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a note.

    Attributes:
        part: the sentence, and its note.
        index: in reading order, of all.
        place: index of its note.
        rank: 0 for the most central sentence of the book.
    """

    part: Part
    index: int
    place: int
    rank: int


def choose(notes: Sequence[Part], words: int, question: str | None = None) -> list[Part]:
    """Choose sentences from all over the notes.

    Args:
        notes: in reading order.
        words: how long the summary is to be.
        question: what it is to answer; None: all of the book.

    Returns:
        One sentence each, in reading order.
    """
    wanted = max(1, round(words / MEAN_WORDS))
    candidates = rank(notes)
    if question is not None:
        return _about(candidates, wanted, question)
    return _spread(candidates, len(notes), wanted)


def tells(sentence: str) -> bool:
    """Tell whether a sentence says something by itself, in the summary's own voice."""
    is_long = len(sentence.split()) >= MIN_WORDS
    return is_long and stands_alone(sentence) and _OTHER_VOICE.search(sentence) is None


def rank(notes: Sequence[Part]) -> list[Candidate]:
    """Give the sentences of notes, in reading order, each with its rank among all.

    Those that tell nothing by themselves are left out, unless there are no others.
    """
    found = [(part, place, text) for place, part in enumerate(notes) for text in _sentences(part)]
    found = [item for item in found if tells(item[2])] or found
    labels = [chapter_of(part) for part, _, _ in found]
    order = rank_sentences([text for _, _, text in found], labels)
    ranks = {index: rank for rank, index in enumerate(order)}
    return [
        Candidate(Part(text, note=part.note), index, place, ranks.get(index, len(found)))
        for index, (part, place, text) in enumerate(found)
    ]


def _spread(candidates: Sequence[Candidate], num_notes: int, wanted: int) -> list[Part]:
    """Take the best sentences of each stretch, as many of every one as nearly as can be."""
    num_stretches = min(wanted, num_notes)
    stretches: list[list[Candidate]] = [[] for _ in range(num_stretches)]
    for candidate in candidates:
        stretches[candidate.place * num_stretches // num_notes].append(candidate)
    most = -(-wanted // max(1, num_stretches))
    return _in_order([c for stretch in stretches for c in _best(stretch, most)])


def _best(stretch: Sequence[Candidate], most: int) -> list[Candidate]:
    """Take the most central ones of a stretch."""
    return sorted(stretch, key=lambda c: c.rank)[:most]


def _about(candidates: Sequence[Candidate], wanted: int, question: str) -> list[Part]:
    """Take the most central of the sentences that share most words with a question."""
    asked = stems(question)
    shared = [share(asked, frozenset(stems(candidate.part.text))) for candidate in candidates]
    least = max(shared, default=0.0) * MIN_OF_NEAREST
    near = [c for c, part in zip(candidates, shared, strict=True) if part >= least]
    return _in_order(sorted(near, key=lambda c: c.rank)[:wanted])


def _in_order(chosen: Sequence[Candidate]) -> list[Part]:
    return [candidate.part for candidate in sorted(chosen, key=lambda c: c.index)]


def _sentences(part: Part) -> list[str]:
    spans = split_sentences(part.text)
    return [" ".join(part.text[start:end].split()) for start, end in spans]


def chapter_of(note: Part) -> str:
    """Give the label of a note's chapter."""
    (found,) = note.notes
    return found.chapter_label
