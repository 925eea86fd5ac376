"""Find the passages of a book that a question or sentence is about: BM25 over runs of blocks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import bm25s
import numpy as np

from infini_cli.language.search_terms import search_terms
from infini_cli.language.sentences import split_sentences
from infini_cli.language.stems import stems
from infini_cli.reading.book import BLOCK_SEPARATOR, Block, BlockKind, Book, Chapter

MAX_PASSAGE_WORDS = 120
MAX_BLOCK_WORDS = 3 * MAX_PASSAGE_WORDS
"""A longer block is cut at sentences: in a block of thousands of words every word is found."""
NEIGHBOUR_SHARE = 0.3
"""Of the scores of the passages before and after: counts for one that shares a word itself."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage and how well it fits.

    Attributes:
        text: verbatim, `Book.text[start:end]`.
        chapter_label, chapter_title: where it stands.
        blocks: identifiers with their offsets in the passage.
        page: label of its first page, where there are pages.
        start, end: offsets in `Book.text`.
        score: BM25, neighbours counted; higher is better.
    """

    text: str
    chapter_label: str
    chapter_title: str
    blocks: tuple[tuple[str, int], ...]
    page: str | None
    start: int
    end: int
    score: float = 0.0

    def block_id_at(self, offset: int) -> str:
        """Name the block that holds a character of the passage."""
        return next(name for name, begin in reversed(self.blocks) if begin <= offset)


class Passages:
    """All passages of a book, searchable.

    Args:
        book: its kept chapters are searched.
    """

    def __init__(self, book: Book) -> None:
        self._passages = [p for chapter in book.kept_chapters for p in _cut(chapter)]
        vocabulary: dict[str, int] = {}
        terms = [search_terms(passage.text) for passage in self._passages]
        corpus = [
            [vocabulary.setdefault(term, len(vocabulary)) for term in found] for found in terms
        ]
        self._vocabulary = vocabulary
        self._frequency = Counter(
            word for passage in self._passages for word in set(stems(passage.text))
        )
        # Of words alone: pairs of them have a blank.
        self._term_frequency = Counter(
            term for found in terms for term in set(found) if " " not in term
        )
        self._starts = np.array([passage.start for passage in self._passages], dtype=np.int64)
        self._ends = np.array([passage.end for passage in self._passages], dtype=np.int64)
        self._index: bm25s.BM25 | None = None
        if vocabulary:
            self._index = bm25s.BM25()
            self._index.index((corpus, vocabulary), show_progress=False)

    def __len__(self) -> int:
        return len(self._passages)

    def rarity(self, word: str) -> float:
        """Give 0 for a stem that stands in every passage, to 1 for one that stands in none."""
        return self._rarity(self._frequency[word])

    def term_rarity(self, term: str) -> float:
        """Give the same of a term that is searched by."""
        return self._rarity(self._term_frequency[term])

    def _rarity(self, count: int) -> float:
        return math.log((1 + len(self)) / (1 + count)) / math.log(1 + len(self)) if count else 1.0

    def texts(self) -> Iterator[str]:
        """Give all passages, in reading order."""
        return (passage.text for passage in self._passages)

    def search(
        self, question: str, num_passages: int, within: Sequence[Span] | None = None
    ) -> list[ScoredPassage]:
        """Give the best passages, best first; fewer where fewer share a word with it.

        Args:
            question: what they are to be about.
            num_passages: the most to give.
            within: parts of the book, as offsets in `Book.text`, that they must touch; None: all.
        """
        terms = dict.fromkeys(search_terms(question))
        known = [self._vocabulary[term] for term in terms if term in self._vocabulary]
        if self._index is None or not known:
            return []
        own = np.asarray(self._index.get_scores_from_ids(known))
        # What is asked often stands beside what tells of it.
        scores = own.copy()
        scores[1:] += NEIGHBOUR_SHARE * own[:-1]
        scores[:-1] += NEIGHBOUR_SHARE * own[1:]
        scores[own <= 0] = 0
        if within is not None:
            inside = np.zeros(len(scores), dtype=bool)
            for start, end in within:
                inside |= (self._starts < end) & (self._ends > start)
            scores = np.where(inside, scores, 0)
        # Stable: of equal scores the earlier passage comes first.
        order = np.argsort(-scores, kind="stable")[:num_passages]
        return [replace(self._passages[i], score=float(scores[i])) for i in order if scores[i] > 0]


def best_quote(passage: str, answer: str, question: str) -> str:
    """Give the sentence of a passage that shares most with answer and question, verbatim."""
    in_answer = set(stems(answer))
    in_question = set(stems(question))
    best, best_score = "", 0.0
    for start, end in split_sentences(passage):
        words = set(stems(passage[start:end]))
        score = 2.0 * len(words & in_answer) + len(words & in_question)
        if score > best_score:
            best, best_score = passage[start:end], score
    return best


def _cut(chapter: Chapter) -> Iterator[ScoredPassage]:
    """Group blocks until a passage is full; a long block is one of its own, or several."""
    group: list[Block] = []
    num_words = 0
    for block in chapter.blocks:
        if block.kind is BlockKind.SEPARATOR:
            continue
        size = len(block.text.split())
        contiguous = not group or group[-1].end + len(BLOCK_SEPARATOR) == block.start
        if group and (num_words + size > MAX_PASSAGE_WORDS or not contiguous):
            yield _passage(chapter, group)
            group, num_words = [], 0
        if size > MAX_BLOCK_WORDS:
            yield from _cut_block(chapter, block)
            continue
        group.append(block)
        num_words += size
    if group:
        yield _passage(chapter, group)


def _cut_block(chapter: Chapter, block: Block) -> Iterator[ScoredPassage]:
    """Cut a long block at sentences."""
    whole = _passage(chapter, [block])
    start, num_words, end_before = 0, 0, 0
    for begin, end in split_sentences(block.text):
        size = len(block.text[begin:end].split())
        # Where no blank stands between two sentences, a cut would part a word.
        if num_words and num_words + size > MAX_PASSAGE_WORDS and begin > end_before:
            yield _piece(whole, start, end_before)
            start, num_words = begin, 0
        num_words, end_before = num_words + size, end
    yield _piece(whole, start, len(block.text))


def _piece(passage: ScoredPassage, start: int, end: int) -> ScoredPassage:
    offset = passage.start
    text = passage.text[start:end]
    return replace(passage, text=text, start=offset + start, end=offset + end)


def _passage(chapter: Chapter, group: list[Block]) -> ScoredPassage:
    start = group[0].start
    return ScoredPassage(
        text=BLOCK_SEPARATOR.join(block.text for block in group),
        chapter_label=chapter.label,
        chapter_title=chapter.title,
        blocks=tuple((block.id, block.start - start) for block in group),
        page=group[0].page,
        start=start,
        end=group[-1].end,
    )
