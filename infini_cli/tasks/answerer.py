"""Answers one question or several: chooses what the model sees, and makes answers of its words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infini_cli.grounding.citations import cite
from infini_cli.grounding.cited import Citation
from infini_cli.grounding.passages import Passages, ScoredPassage
from infini_cli.grounding.support import is_borne_answer
from infini_cli.progress import Note, Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory
from infini_cli.tasks import prompts
from infini_cli.tasks.answerable import Answerable, is_of_the_whole
from infini_cli.tasks.model import Model
from infini_cli.tasks.overview import find_overview
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.summarize import CLOSED, coverage_of, model_info
from infini_cli.tasks.values import Answer
from infini_cli.tasks.writer import write_prompts
from infini_cli.tokens.coverage import Coverage

if TYPE_CHECKING:
    from infini_models.memory import Memory

MAX_PASSAGE_TOKENS = 1200
NUM_PASSAGES = 6
ANSWER_TOKENS = 80
NOT_FOUND = "not found in this book"
NOT_SUMMARISED = (
    "the question is about the whole book, and no notes on it are kept: after `infini summarize` "
    "the answer comes from all of it"
)
WriteText = Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class View:
    """What the model sees for one question.

    Attributes:
        prompt: the user's turn.
        passages: that are in it, best first.
        notes: that are in it instead, in reading order.
        is_asked: whether the model is asked at all.
    """

    prompt: str
    passages: tuple[ScoredPassage, ...] = ()
    notes: tuple[str, ...] = ()
    is_asked: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        """What an answer may be borne by."""
        return self.notes or tuple(passage.text for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answering needs besides the questions.

    Attributes:
        book: what is asked about.
        book_memory: what the model remembers of it; None: nothing.
        passages: of the book; None: the model sees none.
        sampling: how words are chosen.
        model: who answers.
        answerable: tells which questions the passages bear at all.
    """

    book: Book
    book_memory: BookMemory | None
    passages: Passages | None
    sampling: SamplingRequest
    model: Model
    answerable: Answerable | None = field(init=False)

    def __post_init__(self) -> None:
        found = Answerable(self.passages) if self.passages is not None else None
        object.__setattr__(self, "answerable", found)

    @property
    def memory(self) -> Memory | None:
        """What the model may retrieve from."""
        return self.book_memory.memory if self.book_memory is not None else None

    @property
    def coverage(self) -> Coverage:
        """What was read or searched."""
        if self.book_memory is not None:
            return coverage_of(self.book_memory, self.book)
        return Coverage.in_words(self.book.num_words, len(self.book.kept_chapters))

    def answer(
        self, questions: Sequence[str], progress: Progress, write: WriteText, started: float
    ) -> Iterator[Answer]:
        """Answer some questions, written as one batch."""
        views = [self.view(question, progress) for question in questions]
        drafts = write_prompts(
            self.model,
            [view.prompt for view in views if view.is_asked],
            max_tokens=ANSWER_TOKENS,
            sampling=self.sampling,
            progress=progress,
            what="answers" if len(questions) > 1 else "answer",
            memory=self.memory,
            write=write,
        )
        seconds = (time.monotonic() - started) / len(questions)
        texts = iter(draft.text for draft in drafts)
        for question, view in zip(questions, views, strict=True):
            text = next(texts) if view.is_asked else ""
            yield self.result(question, view, text, round(seconds, 1))

    def view(self, question: str, progress: Progress) -> View:
        """Choose what the model sees for a question that stands alone."""
        if self.passages is None:
            prompt = prompts.QUESTION_FROM_MEMORY
            return View(prompt.format(title=self.book.title, question=question))
        if overview := self.overview(question, progress):
            return overview
        found = within_budget(self.passages.search(question, NUM_PASSAGES), self.model)
        return View(
            self.prompt(question, found), tuple(found), is_asked=self.accepts(question, found)
        )

    def overview(self, question: str, progress: Progress) -> View | None:
        """Show notes on all of the book, if the question is about all of it and there are any."""
        if not is_of_the_whole(question):
            return None
        parts = find_overview(self.book, self.book_memory, self.model)
        if not parts:
            progress(Note(NOT_SUMMARISED))
            return None
        notes = tuple(part.text for part in parts)
        prompt = (
            prompts.OVERVIEW_INTRODUCTION.format(title=self.book.title)
            + "\n".join(notes)
            + prompts.QUESTION_ON_OVERVIEW.format(question=question)
        )
        return View(prompt, notes=notes)

    def accepts(self, question: str, found: Sequence[ScoredPassage]) -> bool:
        """Tell whether the model is asked at all: not where the book's words bear no answer.

        Without passages only the memory could tell.
        """
        if self.answerable is None:
            return True
        return self.answerable.accepts(question, [passage.text for passage in found])

    def prompt(self, question: str, found: Sequence[ScoredPassage]) -> str:
        """Write what the model is asked: the passages in the book's order, then the question."""
        in_order = sorted(found, key=lambda passage: passage.start)
        texts = [f"[{passage.chapter_title}] {passage.text}" for passage in in_order]
        return (
            prompts.PASSAGES_INTRODUCTION.format(title=self.book.title)
            + "\n\n".join(texts)
            + prompts.QUESTION.format(question=question)
        )

    def result(self, question: str, view: View, written: str, seconds: float) -> Answer:
        """Make an answer of what the model wrote, unless it declined or invented.

        Args:
            question: what was asked.
            view: what the model saw.
            written: by the model.
            seconds: that it took.
        """
        declined = is_declined(written)
        if self.passages is not None:
            declined |= not is_borne_answer(written, question, view.texts)
        text = None if declined else written
        closed = not self.model.remembers and self.passages is None
        return Answer(
            question=question,
            answer=text,
            citations=self._cite(question, text, view) if text is not None else (),
            title=self.book.title,
            source_sha256=self.book.source_sha256,
            coverage=self.coverage,
            model=model_info(self.model),
            seed=self.sampling.seed,
            seconds=seconds,
            memory="off" if self.book_memory is None else "read",
            warnings=(CLOSED,) if closed else (),
        )

    def _cite(self, question: str, answer: str, view: View) -> tuple[Citation, ...]:
        """Cite what the model saw; where that was notes, what the book says nearest to it."""
        if view.notes and self.passages is not None:
            return cite(question, answer, self.passages.search(answer, NUM_PASSAGES))
        return cite(question, answer, view.passages)


def is_declined(text: str) -> bool:
    """Tell whether the model wrote that the book does not tell, or nothing at all."""
    return NOT_FOUND in text.lower() or not text


def within_budget(found: Sequence[ScoredPassage], model: Model) -> list[ScoredPassage]:
    """Keep the best passages that fit together; the best one always."""
    kept: list[ScoredPassage] = []
    num_tokens = 0
    for passage in found:
        num_tokens += len(model.tokenizer.encode(passage.text))
        if kept and num_tokens > MAX_PASSAGE_TOKENS:
            break
        kept.append(passage)
    return kept
