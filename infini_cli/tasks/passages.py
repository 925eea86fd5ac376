"""Find the passages of a book that a question or sentence is about: BM25 over runs of blocks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import bm25s
import numpy as np

from infini_cli.reading.book import BLOCK_SEPARATOR, Block, BlockKind, Book, Chapter
from infini_cli.tasks.sentences import split_sentences

MAX_PASSAGE_WORDS = 120
MAX_BLOCK_WORDS = 3 * MAX_PASSAGE_WORDS
"""A longer block is cut at sentences: in a block of thousands of words every word is found."""
Span = tuple[int, int]
# Chinese and Japanese are written without spaces: there each character counts as a word.
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+(?:['\u2019](?:(?![{_UNSPACED}])\w)+)?")
_SUFFIXES = ("'s", "\u2019s", "ing", "ed", "es", "s")
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "him",
        "his",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "not",
        "of",
        "on",
        "or",
        "she",
        "that",
        "the",
        "their",
        "them",
        "they",
        "this",
        "to",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "you",
    ]
)


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage and how well it fits.

    Attributes:
        text: verbatim, `Book.text[start:end]`.
        chapter_label, chapter_title: where it stands.
        blocks: identifiers with their offsets in the passage.
        page: label of its first page, where there are pages.
        start, end: offsets in `Book.text`.
        score: BM25; higher is better.
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
        corpus = [
            [vocabulary.setdefault(word, len(vocabulary)) for word in stems(passage.text)]
            for passage in self._passages
        ]
        self._vocabulary = vocabulary
        self._frequency = np.zeros(len(vocabulary), dtype=np.int64)
        for words in corpus:
            self._frequency[list(set(words))] += 1
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
        if word not in self._vocabulary:
            return 1.0
        count = int(self._frequency[self._vocabulary[word]])
        return math.log((1 + len(self)) / (1 + count)) / math.log(1 + len(self))

    def search(
        self, question: str, num_passages: int, within: Sequence[Span] | None = None
    ) -> list[ScoredPassage]:
        """Give the best passages, best first; fewer where fewer share a word with it.

        Args:
            question: what they are to be about.
            num_passages: the most to give.
            within: parts of the book, as offsets in `Book.text`, that they must touch; None: all.
        """
        words = list(dict.fromkeys(stems(question)))
        known = [self._vocabulary[word] for word in words if word in self._vocabulary]
        if self._index is None or not known:
            return []
        scores = np.asarray(self._index.get_scores_from_ids(known))
        if within is not None:
            inside = np.zeros(len(scores), dtype=bool)
            for start, end in within:
                inside |= (self._starts < end) & (self._ends > start)
            scores = np.where(inside, scores, 0)
        # Stable: of equal scores the earlier passage comes first.
        order = np.argsort(-scores, kind="stable")[:num_passages]
        return [replace(self._passages[i], score=float(scores[i])) for i in order if scores[i] > 0]


def stems(text: str) -> list[str]:
    """Give the words that count, lower case, common endings taken off."""
    words = (word.lower() for word in _WORD.findall(text))
    return [_stem(word) for word in words if word not in STOP_WORDS]


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


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


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
