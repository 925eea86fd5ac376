"""Summaries made of the book's own sentences, without a model: what a model has to beat."""

from __future__ import annotations

import time
from collections.abc import Sequence

from infini_cli.grounding.book_sentences import Sentence, sentences_of
from infini_cli.grounding.cited import SummarySentence
from infini_cli.language.stems import stems
from infini_cli.language.textrank import rank_sentences
from infini_cli.reading.book import Book
from infini_cli.tasks.explain import EXTRACTED, Explanation, Step
from infini_cli.tasks.length import MIN_SHARE, chapter_words, parse_length
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.values import SectionSummary, Summary
from infini_cli.tokens.coverage import Coverage

METHODS = ("lead", "textrank")


def summarize_without_model(book: Book, request: SummaryRequest) -> Summary:
    """Summarise by `lead` (the first sentences) or `textrank` (the most central ones).

    Args:
        book: what was read.
        request: method, length, scope.

    Raises:
        UsageError: the length is malformed.
    """
    started = time.monotonic()
    length = parse_length(request.length, book.num_words)
    choose = _lead if request.method == "lead" else _textrank
    sections: tuple[SectionSummary, ...] = ()
    sentences: tuple[SummarySentence, ...] = ()
    if request.by_chapter:
        words = chapter_words(length, len(book.kept_chapters))
        sections = tuple(
            SectionSummary(chapter.label, chapter.title, choose(sentences_of([chapter]), words))
            for chapter in book.kept_chapters
        )
    else:
        sentences = choose(sentences_of(book.kept_chapters), length.target_words)
    steps = [Step(sentence.text, EXTRACTED) for sentence in sentences]
    steps += [Step(s.text, EXTRACTED) for section in sections for s in section.sentences]
    return Summary(
        title=book.title,
        authors=book.authors,
        source_sha256=book.source_sha256,
        sentences=sentences,
        sections=sections,
        method=request.method,
        length=length.label,
        coverage=Coverage.in_words(book.num_words, len(book.kept_chapters)),
        model=None,
        seed=request.sampling.seed,
        seconds=round(time.monotonic() - started, 1),
        warnings=book.warnings,
        explanation=Explanation(tuple(steps)) if request.explain else None,
    )


def _lead(sentences: Sequence[Sentence], words: int) -> tuple[SummarySentence, ...]:
    total, end = 0, 0
    for sentence in sentences:
        total += sentence.num_words
        if end and total > words:
            break
        end += 1
    return tuple(sentence.cited for sentence in sentences[:end])


def _textrank(sentences: Sequence[Sentence], words: int) -> tuple[SummarySentence, ...]:
    order = rank_sentences(
        [sentence.text for sentence in sentences],
        [sentence.chapter.label for sentence in sentences],
    )
    return _joined(sentences, order, words)


def _joined(
    sentences: Sequence[Sentence], order: Sequence[int], words: int
) -> tuple[SummarySentence, ...]:
    """Take sentences in an order until the target is met; give them in the book's order.

    What the book says twice in the same words is taken once.
    """
    chosen: list[int] = []
    taken: set[frozenset[str]] = set()
    total = 0
    for index in order:
        size = sentences[index].num_words
        said = frozenset(stems(sentences[index].text))
        if said in taken:
            continue
        if chosen and total + size > words:
            if total >= MIN_SHARE * words:
                break
            continue
        chosen.append(index)
        taken.add(said)
        total += size
    return tuple(sentences[index].cited for index in sorted(chosen))
