"""How well passages bear a sentence: the one measure behind every citation of a summary.

A sentence claims words, names and numbers. Against the passages cited for it, taken together,
three shares are measured:

- `words`: of its words, stop words left out, those that stand there (`support`);
- `rare`: the same, each word weighted by how rare it is in the book. Small models keep the common
  words of a scene and invent what happens in it ("is arrested for the murder");
- `facts`: of its names and numbers, those that stand there.

It is supported if every name and every number is there and `words` and `rare` reach their bounds.
Names and numbers admit no paraphrase, so none may be missing; for other words a summary may use
its own. A name is a word that the book writes with a capital inside sentences, more often than
without, however the sentence writes it; a word that the sentence writes with a capital inside;
and the first word of the sentence, where the book has no such word at all. Numbers are the same in
figures and in words.

The measure reads words, not meaning: who did what to whom, and "not", it does not see.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass

from infini_cli.grounding.passages import Passages
from infini_cli.grounding.support import share
from infini_cli.language.names import find_names, words_inside
from infini_cli.language.numbers import Ways, find_numbers
from infini_cli.language.stems import STOP_WORDS, stems
from infini_cli.reading.book import BlockKind, Book

MIN_WORDS = 0.6
"""Less than `MIN_SUPPORT` of notes: a passage is a quarter of the segment that a note is of."""
MIN_RARE = 0.5
LEAST_WEIGHT = 0.25
"""Of a word that is everywhere: in a book of a page all words are, and they still count."""

_FIRST = re.compile(r"[^\W\d_][\w'\u2019-]*")
_NO_NAMES = ("ly", "ing", "ed")
"""Endings of words that begin sentences and are no names: Suddenly, Rowing, Tired."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a book's words are.

    Attributes:
        names: stems of the words it writes with a capital.
        rarity: gives 0 for a stem that is everywhere to 1 for one that is nowhere.
        has_capitals: whether capitals mark names at all.
    """

    names: frozenset[str]
    rarity: Callable[[str], float]
    has_capitals: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sentence says, as far as it can be looked up.

    Attributes:
        words: stems, in order; names and numbers among them.
        names: stems of its names.
        numbers: the ways to write each.
    """

    words: tuple[str, ...]
    names: frozenset[str]
    numbers: tuple[Ways, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much of a claim stands in some passages; each share is 0 to 1."""

    words: float
    rare: float
    facts: float

    @property
    def score(self) -> float:
        """The mean of the three."""
        return (self.words + self.rare + self.facts) / 3

    @property
    def is_supported(self) -> bool:
        """Whether the passages bear the sentence."""
        return self.facts == 1.0 and self.words >= MIN_WORDS and self.rare >= MIN_RARE


def read_lexicon(book: Book, passages: Passages) -> Lexicon:
    """Learn from a book which words are names, and how rare each word is."""
    counts: Counter[str] = Counter()
    for chapter in book.kept_chapters:
        for block in chapter.blocks:
            if block.kind is not BlockKind.HEADING:
                counts.update(words_inside(block.text))
    names = find_names(counts)
    return Lexicon(
        names=names or frozenset(), rarity=passages.rarity, has_capitals=names is not None
    )


def read_claim(sentence: str, lexicon: Lexicon) -> Claim:
    """Tell what a sentence says."""
    words = tuple(stems(sentence))
    names = {word for word in words if word in lexicon.names}
    if lexicon.has_capitals:
        for word in words_inside(sentence):
            if word[0].isupper():
                names.update(stems(word))
        first = _FIRST.search(sentence)
        if first is not None and first[0][0].isupper() and not first[0].endswith(_NO_NAMES):
            names.update(stem for stem in stems(first[0]) if lexicon.rarity(stem) == 1.0)
    numbers = tuple(find_numbers(sentence))
    spelt = {word for ways in numbers for way in ways for word in way}
    return Claim(words, frozenset(names - spelt - STOP_WORDS), numbers)


def agree(claim: Claim, known: Set[str], lexicon: Lexicon) -> Agreement:
    """Measure how much of a claim stands in a set of stems."""
    weights = [max(LEAST_WEIGHT, lexicon.rarity(word)) for word in claim.words]
    borne = sum(weight for word, weight in zip(claim.words, weights, strict=True) if word in known)
    facts = [name in known for name in claim.names]
    facts += [any(way <= known for way in ways) for ways in claim.numbers]
    return Agreement(
        words=share(claim.words, known),
        rare=borne / sum(weights) if sum(weights) else 1.0,
        facts=sum(facts) / len(facts) if facts else 1.0,
    )
