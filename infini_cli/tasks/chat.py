"""A conversation about one book: each question may lean on those before it.

A conversation is a value: a question gives the next one, with a turn more. What the model is
shown of it is chosen by `infini_cli.tasks.chat_window`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infini_cli.errors import UsageError
from infini_cli.grounding.passages import Passages
from infini_cli.progress import Progress
from infini_cli.reading.book import Book, Chapter
from infini_cli.reading.selection import NOT_CHOSEN
from infini_cli.tasks.answerer import ANSWER_TOKENS, Answerer, View, WriteText
from infini_cli.tasks.ask import prepare
from infini_cli.tasks.chat_window import find_passages, fit, history
from infini_cli.tasks.model import Model
from infini_cli.tasks.prompts import SYSTEM
from infini_cli.tasks.requests import MemoryRequest, SamplingRequest
from infini_cli.tasks.values import Answer
from infini_cli.tasks.writer import write_branches
from infini_cli.tokens.chat import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        answer: holds the question too.
        chapter: what the answer was limited to, as `infini toc` numbers it; None: the book.
    """

    answer: Answer
    chapter: str | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation so far.

    Attributes:
        answerer: who answers from the whole book.
        turns: in order.
        limited: who answers from one chapter alone; None: there is no limit.
        chapter: that chapter, as `infini toc` numbers it.
    """

    answerer: Answerer
    turns: tuple[Turn, ...] = ()
    limited: Answerer | None = None
    chapter: str | None = None

    @property
    def book(self) -> Book:
        """What is talked about."""
        return self.answerer.book

    @property
    def last(self) -> Answer | None:
        """The answer before, if there is one."""
        return self.turns[-1].answer if self.turns else None


def begin(
    book: Book | None,
    memory: MemoryRequest,
    sampling: SamplingRequest,
    model: Model,
    progress: Progress,
) -> Chat:
    """Read a book, as `ask` does, and begin to talk about it.

    Args:
        book: what was read; None takes the book inside `memory`.
        memory: which book memory is used.
        sampling: how words are chosen.
        model: who answers.
        progress: told of every segment.

    Raises:
        InputError, MemoryMismatch: the memory file cannot be used.
    """
    return Chat(prepare(book, model, progress, memory, sampling))


def limit(chat: Chat, chapter: str | None) -> Chat:
    """Answer what follows from one chapter alone.

    The model's memory is of the whole book, and so it is left out until the limit is lifted.

    Args:
        chat: the conversation.
        chapter: as `infini toc` numbers it; None lifts the limit.

    Raises:
        UsageError: no such chapter is read.
    """
    if chapter is None:
        return replace(chat, limited=None, chapter=None)
    chosen = find_chapter(chat.book, chapter)
    alone = tuple(
        one if one is chosen else replace(one, skip_reason=one.skip_reason or NOT_CHOSEN)
        for one in chat.book.chapters
    )
    book = replace(chat.book, chapters=alone)
    limited = replace(chat.answerer, book=book, book_memory=None, passages=Passages(book))
    return replace(chat, limited=limited, chapter=chosen.label)


def find_chapter(book: Book, chapter: str) -> Chapter:
    """Give a chapter that is read; one that `--upto` leaves out stays left out.

    Raises:
        UsageError: there is none of that number.
    """
    wanted = chapter.strip().lower()
    found = [one for one in book.kept_chapters if one.label == wanted]
    if not found:
        raise UsageError(
            f"no chapter `{chapter}` is read", hint="numbers are those of `infini toc`"
        )
    return found[0]


def reply(chat: Chat, question: str, progress: Progress, write: WriteText = None) -> Chat:
    """Answer the next question.

    Args:
        chat: the conversation so far; it stays as it is.
        question: what is asked.
        progress: told of every step.
        write: takes the model's words as they are written.

    Returns:
        The conversation with one turn more.

    Raises:
        UsageError: the question does not fit into the model's window.
    """
    started = time.monotonic()
    answerer = chat.limited or chat.answerer
    view = answerer.overview(question, progress)
    if view is not None:
        messages = [Message("system", SYSTEM), Message("user", view.prompt)]
    else:
        messages, view = _look(chat, answerer, question)
    text = _write(answerer, messages, progress, write) if view.is_asked else ""
    answer = answerer.result(question, view, text, round(time.monotonic() - started, 1))
    return replace(chat, turns=(*chat.turns, Turn(answer, chat.chapter)))


def _look(chat: Chat, answerer: Answerer, question: str) -> tuple[list[Message], View]:
    """Choose the turns and the passages that the model sees."""
    # "And why did he?" has no words of its own: it is about what was answered before.
    told = [turn.answer.question for turn in chat.turns if turn.answer.answer is not None]
    before = told[-1] if told else None
    found = find_passages(answerer, question, before)
    turns = history([turn.answer for turn in chat.turns], answerer.model)
    messages, found = fit(answerer, turns, question, found)
    asked = [question] if before is None else [question, f"{before} {question}"]
    is_asked = any(answerer.accepts(one, found) for one in asked)
    return messages, View(messages[-1].content, tuple(found), is_asked=is_asked)


def _write(
    answerer: Answerer, messages: Sequence[Message], progress: Progress, write: WriteText
) -> str:
    from infini_models.generate import Branch, read_prompt

    model = answerer.model
    branch = Branch(model.chat.encode(messages), ANSWER_TOKENS, None, answerer.memory)
    (draft,) = write_branches(
        model,
        [read_prompt(model.decoder, branch)],
        sampling=answerer.sampling,
        progress=progress,
        what="answer",
        write=write,
    )
    return draft.text
