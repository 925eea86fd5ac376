"""How much each sentence of a book matters to a summary of it.

A model that has a readout measures it while it reads: what its activations say of a sentence tells
far better than the sentence's words which ones people take over into their summaries (see
`infini_cli.training.salience_trainer`). Without one the place in TextRank stands in for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from infini_cli.grounding.book_sentences import Sentence, sentences_of
from infini_cli.grounding.passages import Span
from infini_cli.grounding.support import share
from infini_cli.language.stems import stems
from infini_cli.language.textrank import rank_sentences
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import Note
from infini_cli.tasks.narrated import narrated_chapters, narrated_places

MAX_SALIENCE = 1e6
"""A model's numbers are about 0 to 2."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sentence of a note is from.

    Attributes:
        index: of the sentence that has most of its words, in the place that has most.
        value: how much the two neighbouring sentences of that place matter, by the share of its
            words that each has.
    """

    index: int
    value: float


class Salience:
    """The sentences of a book and how much each matters.

    Args:
        book: whose kept chapters.
        notes: on its segments; their measures count, if they have any.

    Attributes:
        sentences: in reading order.
        values: standard deviations from the mean over the book, [sentences].
    """

    def __init__(self, book: Book, notes: Sequence[Note]) -> None:
        self.sentences: list[Sentence] = sentences_of(book.kept_chapters)
        self._starts = [sentence.place[0] for sentence in self.sentences]
        self.values = _standardised(_measured(self._starts, notes))
        if not len(self.values):
            self.values = _standardised(_central(self.sentences))
        self._chapters = book.kept_chapters
        self.stems = cache(self._stems)

    @cached_property
    def narrated(self) -> frozenset[int]:
        """Indices of what a narrator tells of himself."""
        places = narrated_places(self.sentences, narrated_chapters(self._chapters))
        return frozenset(i for i, start in enumerate(self._starts) if start in places)

    def inside(self, within: Sequence[Span] | None) -> list[int]:
        """Give the indices of the sentences that begin in parts of the book, in order.

        Args:
            within: as offsets in `Book.text`; None: all of it.
        """
        if within is None:
            return list(range(len(self.sentences)))
        found = {
            index
            for start, end in within
            for index in range(bisect_left(self._starts, start), bisect_left(self._starts, end))
        }
        return sorted(found)

    def origin(self, text: str, note: Note) -> Origin | None:
        """Find what a sentence of a note is from; None where its segment has no sentence."""
        first = bisect_left(self._starts, note.start)
        end = bisect_left(self._starts, note.end)
        if first == end:
            return None
        words = stems(text)
        shares = [share(words, self.stems(index)) for index in range(first, end)]
        pairs = [sum(shares[k : k + 2]) for k in range(len(shares))]
        best = int(np.argmax(pairs))
        near = slice(best, best + 2)
        weights = np.array(shares[near])
        values = self.values[first:end][near]
        total = weights.sum()
        value = float(weights @ values / total) if total else float(values.mean())
        return Origin(first + best + int(weights.argmax()), value)

    def _stems(self, index: int) -> frozenset[str]:
        return frozenset(stems(self.sentences[index].text))


def _measured(starts: Sequence[int], notes: Sequence[Note]) -> NDArray[np.float64]:
    """Give what the model measured, the least to sentences it did not; nothing if to none."""
    # Not strict, and not trusted to be numbers: a file of a book memory may say anything.
    found = {
        place: value
        for note in notes
        for place, value in zip(note.places, note.saliences, strict=False)
        if abs(value) <= MAX_SALIENCE
    }
    values = np.array([found.get(start, np.nan) for start in starts], dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return np.empty(0)
    return np.where(known, values, values[known].min())


def _central(sentences: Sequence[Sentence]) -> NDArray[np.float64]:
    """Count down from the most central sentence; those that are not ranked come last."""
    order = rank_sentences(
        [one.text for one in sentences], [one.chapter.label for one in sentences]
    )
    values = np.zeros(len(sentences))
    values[order] = np.arange(len(order), 0, -1)
    return values


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(values):
        return values
    scale = values.std()
    found: NDArray[np.float64] = (values - values.mean()) / (scale if scale > 0 else 1.0)
    return found
