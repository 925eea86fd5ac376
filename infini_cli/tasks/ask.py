"""Answer questions about a book: from passages found in it, and from the model's memory.

The memory is lossy and cannot cite; passages can. The best passages by BM25 go into the
model's window, the question after them. A model whose gates are closed gets nothing from its
memory, so for it the book is searched whole and not read through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, load_book_memory
from infini_cli.tasks import prompts
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model
from infini_cli.tasks.passages import Passages, ScoredPassage, best_quote
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, SamplingRequest
from infini_cli.tasks.summarize import CLOSED, coverage_of, model_info
from infini_cli.tasks.support import is_borne_answer
from infini_cli.tasks.values import Answer, Citation
from infini_cli.tasks.writer import write_prompts
from infini_cli.tokens.coverage import Coverage

if TYPE_CHECKING:
    from infini_models.decoder import Memory

MAX_PASSAGE_TOKENS = 1200
NUM_PASSAGES = 6
MAX_CITATIONS = 3
QUESTIONS_AT_ONCE = 8
"""Written as one batch, six times as fast as one by one; their passages are all in memory."""
ANSWER_TOKENS = 80
NOT_FOUND = "not found in this book"
WriteText = Callable[[str], None] | None


def ask(
    book: Book | None,
    request: AnswerRequest,
    model: Model,
    progress: Progress,
    write: WriteText = None,
) -> Iterator[Answer]:
    """Answer questions, in order and a few at a time.

    Args:
        book: what was read; None takes the book inside `request.memory`.
        request: the questions and the rest.
        model: who answers.
        progress: told of every step.
        write: takes the model's words as they are written.

    Raises:
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    started = time.monotonic()
    answerer = prepare(
        book, model, progress, request.memory, request.sampling, memory_only=request.memory_only
    )
    for first in range(0, len(request.questions), QUESTIONS_AT_ONCE):
        questions = request.questions[first : first + QUESTIONS_AT_ONCE]
        yield from answerer.answer(questions, progress, write, started)
        started = time.monotonic()


def prepare(
    book: Book | None,
    model: Model,
    progress: Progress,
    memory: MemoryRequest,
    sampling: SamplingRequest,
    *,
    memory_only: bool = False,
) -> Answerer:
    """Read a book, as far as the model gains by it, and make it searchable.

    Args:
        book: what was read; None takes the book inside `memory`.
        model: who is to answer.
        progress: told of every segment.
        memory: which book memory is used.
        sampling: how words are chosen.
        memory_only: whether the model sees no passages, only its memory.

    Raises:
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    book_memory = _book_memory(book, model, progress, memory, memory_only)
    if book is None:
        assert book_memory is not None
        book = book_memory.book
    passages = None if memory_only else Passages(book)
    return Answerer(book, book_memory, passages, sampling, model)


def _book_memory(
    book: Book | None,
    model: Model,
    progress: Progress,
    memory: MemoryRequest,
    memory_only: bool,
) -> BookMemory | None:
    if memory.memory is not None:
        return load_book_memory(memory.memory, model)
    assert book is not None
    if not model.remembers and not memory_only:
        return None
    use_cache = memory.use_cache
    return read_through(book, model, progress, notes=False, use_cache=use_cache).book_memory


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answering needs besides the questions.

    Attributes:
        book: what is asked about.
        book_memory: what the model remembers of it; None: nothing.
        passages: of the book; None: the model sees none.
        sampling: how words are chosen.
        model: who answers.
    """

    book: Book
    book_memory: BookMemory | None
    passages: Passages | None
    sampling: SamplingRequest
    model: Model

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
        found = [self._search(question) for question in questions]
        drafts = write_prompts(
            self.model,
            [
                self.prompt(question, passages)
                for question, passages in zip(questions, found, strict=True)
            ],
            max_tokens=ANSWER_TOKENS,
            sampling=self.sampling,
            progress=progress,
            what="answers" if len(questions) > 1 else "answer",
            memory=self.memory,
            write=write,
        )
        seconds = (time.monotonic() - started) / len(questions)
        for question, passages, draft in zip(questions, found, drafts, strict=True):
            yield self.result(question, passages, draft.text, round(seconds, 1))

    def _search(self, question: str) -> list[ScoredPassage]:
        if self.passages is None:
            return []
        return within_budget(self.passages.search(question, NUM_PASSAGES), self.model)

    def prompt(self, question: str, found: Sequence[ScoredPassage]) -> str:
        """Write what the model is asked: the passages in the book's order, then the question."""
        title = self.book.title
        if self.passages is None:
            return prompts.QUESTION_FROM_MEMORY.format(title=title, question=question)
        in_order = sorted(found, key=lambda passage: passage.start)
        texts = [f"[{passage.chapter_title}] {passage.text}" for passage in in_order]
        return (
            prompts.PASSAGES_INTRODUCTION.format(title=title)
            + "\n\n".join(texts)
            + prompts.QUESTION.format(question=question)
        )

    def result(
        self, question: str, found: Sequence[ScoredPassage], written: str, seconds: float
    ) -> Answer:
        """Make an answer of what the model wrote, unless it declined or invented.

        Args:
            question: what was asked.
            found: the passages that the model saw, best first.
            written: by the model.
            seconds: that it took.
        """
        declined = is_declined(written)
        if self.passages is not None:
            seen = [passage.text for passage in found]
            declined |= not is_borne_answer(written, question, seen)
        text = None if declined else written
        closed = not self.model.remembers and self.passages is None
        return Answer(
            question=question,
            answer=text,
            citations=_citations(question, text, found) if text is not None else (),
            title=self.book.title,
            source_sha256=self.book.source_sha256,
            coverage=self.coverage,
            model=model_info(self.model),
            seed=self.sampling.seed,
            seconds=seconds,
            memory="off" if self.book_memory is None else "read",
            warnings=(CLOSED,) if closed else (),
        )


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


def _citations(question: str, answer: str, found: Sequence[ScoredPassage]) -> tuple[Citation, ...]:
    """Cite the passages that share most with the answer, each by a sentence of its own words."""
    citations: list[Citation] = []
    for passage in found:
        quote = best_quote(passage.text, answer, question)
        offset = passage.text.find(quote)
        if not quote or offset < 0 or len(citations) == MAX_CITATIONS:
            continue
        start = passage.start + offset
        citations.append(
            Citation(
                number=len(citations) + 1,
                chapter_label=passage.chapter_label,
                chapter_title=passage.chapter_title,
                block_id=passage.block_id_at(offset),
                page=passage.page,
                quote=quote,
                start=start,
                end=start + len(quote),
            )
        )
    return tuple(citations)
