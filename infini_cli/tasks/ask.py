"""Answer questions about a book: from passages found in it, and from the model's memory.

The memory is lossy and cannot cite; passages can. The best passages by BM25 go into the
model's window, the question after them. A model whose gates are closed gets nothing from its
memory, so for it the book is searched whole and not read through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from infini_cli.progress import Progress
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, load_book_memory
from infini_cli.tasks import prompts
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model
from infini_cli.tasks.passages import Passages, ScoredPassage, best_quote
from infini_cli.tasks.requests import AnswerRequest
from infini_cli.tasks.summarize import CLOSED, coverage_of, model_info
from infini_cli.tasks.support import is_borne_answer
from infini_cli.tasks.values import Answer, Citation
from infini_cli.tasks.writer import write_prompts
from infini_cli.tokens.coverage import Coverage

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
    book_memory = _book_memory(book, request, model, progress)
    if book is None:
        assert book_memory is not None
        book = book_memory.book
    passages = None if request.memory_only else Passages(book)
    asking = _Asking(book, book_memory, passages, request, model, progress)
    for first in range(0, len(request.questions), QUESTIONS_AT_ONCE):
        questions = request.questions[first : first + QUESTIONS_AT_ONCE]
        yield from asking.answer(questions, write, started)
        started = time.monotonic()


def _book_memory(
    book: Book | None, request: AnswerRequest, model: Model, progress: Progress
) -> BookMemory | None:
    if request.memory.memory is not None:
        return load_book_memory(request.memory.memory, model)
    assert book is not None
    if not model.remembers and not request.memory_only:
        return None
    use_cache = request.memory.use_cache
    return read_through(book, model, progress, notes=False, use_cache=use_cache).book_memory


@dataclass(frozen=True, slots=True)
class _Asking:
    """What answering needs besides the questions."""

    book: Book
    book_memory: BookMemory | None
    passages: Passages | None
    request: AnswerRequest
    model: Model
    progress: Progress

    def answer(
        self, questions: Sequence[str], write: WriteText, started: float
    ) -> Iterator[Answer]:
        """Answer some questions, written as one batch."""
        found = [self._search(question) for question in questions]
        drafts = write_prompts(
            self.model,
            [
                _prompt(question, self.book, passages, memory_only=self.passages is None)
                for question, passages in zip(questions, found, strict=True)
            ],
            max_tokens=ANSWER_TOKENS,
            sampling=self.request.sampling,
            progress=self.progress,
            what="answers" if len(questions) > 1 else "answer",
            memory=self.book_memory.memory if self.book_memory is not None else None,
            write=write,
        )
        seconds = (time.monotonic() - started) / len(questions)
        for question, passages, draft in zip(questions, found, drafts, strict=True):
            yield self._result(question, passages, draft.text, round(seconds, 1))

    def _search(self, question: str) -> list[ScoredPassage]:
        if self.passages is None:
            return []
        return _within_budget(self.passages.search(question, NUM_PASSAGES), self.model)

    def _result(
        self, question: str, found: Sequence[ScoredPassage], written: str, seconds: float
    ) -> Answer:
        declined = is_declined(written)
        if self.passages is not None:
            seen = [passage.text for passage in found]
            declined |= not is_borne_answer(written, question, seen)
        text = None if declined else written
        closed = not self.model.remembers and self.request.memory_only
        return Answer(
            question=question,
            answer=text,
            citations=_citations(question, text, found) if text is not None else (),
            title=self.book.title,
            source_sha256=self.book.source_sha256,
            coverage=_coverage(self.book, self.book_memory),
            model=model_info(self.model),
            seed=self.request.sampling.seed,
            seconds=seconds,
            memory="off" if self.book_memory is None else "read",
            warnings=(CLOSED,) if closed else (),
        )


def is_declined(text: str) -> bool:
    """Tell whether the model wrote that the book does not tell, or nothing at all."""
    return NOT_FOUND in text.lower() or not text


def _prompt(question: str, book: Book, found: Sequence[ScoredPassage], *, memory_only: bool) -> str:
    if memory_only:
        return prompts.QUESTION_FROM_MEMORY.format(title=book.title, question=question)
    in_order = sorted(found, key=lambda passage: passage.start)
    texts = [f"[{passage.chapter_title}] {passage.text}" for passage in in_order]
    return (
        prompts.PASSAGES_INTRODUCTION.format(title=book.title)
        + "\n\n".join(texts)
        + prompts.QUESTION.format(question=question)
    )


def _within_budget(found: Sequence[ScoredPassage], model: Model) -> list[ScoredPassage]:
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


def _coverage(book: Book, book_memory: BookMemory | None) -> Coverage:
    if book_memory is not None:
        return coverage_of(book_memory, book)
    return Coverage.in_words(book.num_words, len(book.kept_chapters))
