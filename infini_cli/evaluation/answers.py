"""Answers by several systems, measured on questions whose answers are known.

`passages` is what `infini ask` does, `memory-only` what it does with `--memory-only`. `base` is
the model without book and memory: what it knows or guesses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from infini_cli.evaluation.answer_measures import EvidenceSearch, measure_answer
from infini_cli.evaluation.items import QuestionItem, open_text, text_sha256
from infini_cli.evaluation.ledger import Ledger, result_key
from infini_cli.evaluation.readings import ReadingKind, Readings
from infini_cli.evaluation.results import Result
from infini_cli.progress import BatchStep, Progress
from infini_cli.reading.book import Book
from infini_cli.tasks import prompts
from infini_cli.tasks.answerer import ANSWER_TOKENS, is_declined
from infini_cli.tasks.ask import QUESTIONS_AT_ONCE, ask
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, SamplingRequest
from infini_cli.tasks.writer import write_prompts

SYSTEMS = ("passages", "memory-only", "base")


@dataclass(frozen=True, slots=True)
class Written:
    """Answers to a batch, the seconds that took, and those that reading the text took."""

    answers: tuple[str | None, ...]
    seconds: float
    reading_seconds: float


@dataclass(frozen=True, slots=True)
class AnswerWriter:
    """What answering needs besides the questions.

    Attributes:
        model: who reads and answers.
        readings: of the model.
        progress: told of every step.
        sampling: how words are chosen.
    """

    model: Model
    readings: Readings
    progress: Progress
    sampling: SamplingRequest

    def write(self, system: str, questions: Sequence[str], book: Book) -> Written:
        """Give a system's answers, written as one batch."""
        memory, reading_seconds = None, 0.0
        if system == "memory-only" or (system == "passages" and self.model.remembers):
            memory, reading_seconds = self.readings.read(book, ReadingKind.MEMORY)
        started = time.monotonic()
        if system == "base":
            answers = self._without_book(questions, book.title)
        else:
            answers = self._ask(system, questions, book, memory)
        return Written(tuple(answers), time.monotonic() - started, reading_seconds)

    def _ask(
        self, system: str, questions: Sequence[str], book: Book, memory: Path | None
    ) -> list[str | None]:
        request = AnswerRequest(
            tuple(questions),
            memory_only=system == "memory-only",
            sampling=self.sampling,
            memory=MemoryRequest(memory, use_cache=False),
        )
        return [found.answer for found in ask(book, request, self.model, self.progress)]

    def _without_book(self, questions: Sequence[str], title: str) -> list[str | None]:
        drafts = write_prompts(
            self.model,
            [
                prompts.QUESTION_FROM_MEMORY.format(title=title, question=question)
                for question in questions
            ],
            max_tokens=ANSWER_TOKENS,
            sampling=self.sampling,
            progress=self.progress,
            what="answers",
        )
        return [None if is_declined(draft.text) else draft.text for draft in drafts]


def evaluate_answers(
    items: Sequence[QuestionItem],
    systems: Sequence[str],
    writer: AnswerWriter,
    ledger: Ledger[Result],
) -> Iterator[tuple[str, Result]]:
    """Ask about text after text by every system, and measure.

    Questions on a text are asked in the batches that `ask` makes of them. A batch that is not
    wholly known is asked again as a whole, so that an interruption changes no answer.

    Args:
        items: questions; those on the same text follow each other.
        systems: of `SYSTEMS`.
        writer: who answers.
        ledger: what is known is not done again, and what is found is kept.

    Yields:
        The hash of each text, and the result.
    """
    done, total = 0, len(items) * len(systems)
    for text, group in groupby(items, key=lambda item: item.text):
        sha256 = text_sha256(text)
        asked = list(group)
        book: Book | None = None
        search: EvidenceSearch | None = None
        for first in range(0, len(asked), QUESTIONS_AT_ONCE):
            batch = asked[first : first + QUESTIONS_AT_ONCE]
            for system in systems:
                keys = [_key(system, item, sha256, writer) for item in batch]
                if any(ledger.find(key) is None for key in keys):
                    if book is None or search is None:
                        book = open_text(text)
                        search = EvidenceSearch(book)
                    results = _answer(system, batch, book, search, writer)
                    for key, result in zip(keys, results, strict=True):
                        if ledger.find(key) is None:
                            ledger.keep(key, result)
                    name = f"{batch[0].id} to {batch[-1].id}, {system}"
                    progress = writer.progress
                    progress(BatchStep(name, done + len(batch), total, "done", "result"))
                done += len(batch)
                for key in keys:
                    known = ledger.find(key)
                    assert known is not None
                    yield sha256, known


def _answer(
    system: str,
    batch: Sequence[QuestionItem],
    book: Book,
    search: EvidenceSearch,
    writer: AnswerWriter,
) -> Iterator[Result]:
    written = writer.write(system, [item.question for item in batch], book)
    for item, answer in zip(batch, written.answers, strict=True):
        figures = measure_answer(answer, item.answers)
        if system == "passages":
            figures |= search.recall(item.question, item.evidence)
        times = (written.seconds / len(batch), written.reading_seconds)
        yield Result(system, item.id, answer, figures, *times)


def _key(system: str, item: QuestionItem, text: str, writer: AnswerWriter) -> str:
    parts = (item.id, text, item.question, item.answers, item.evidence)
    return result_key(writer.model, system, *parts, writer.sampling.seed)
