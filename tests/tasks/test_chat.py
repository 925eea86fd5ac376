"""A conversation: later questions lean on earlier ones, and a limit is a limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infini_cli.errors import UsageError
from infini_cli.progress import Event, Read, silent
from infini_cli.reading.selection import select_chapters
from infini_cli.tasks import chat, note_questions
from infini_cli.tasks.answerer import NOT_FOUND
from infini_cli.tasks.ask import ask
from infini_cli.tasks.chat import Chat, begin, limit, reply
from infini_cli.tasks.model import Model
from infini_cli.tasks.read import read
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, ReadRequest, SamplingRequest
from infini_cli.tokens.chat import Message
from tests.tasks.tiny import tiny_book

KEPT_NOTHING = MemoryRequest(use_cache=False)


def begin_with(model: Model, num_chapters: int = 4) -> Chat:
    return begin(tiny_book(num_chapters), KEPT_NOTHING, SamplingRequest(), model, silent)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Message]]:
    """What the model is shown; it answers in the words of the last passage's book."""
    seen: list[Sequence[Message]] = []

    def write(answerer: Any, messages: Sequence[Message], *rest: Any) -> str:
        seen.append(messages)
        if "Nemo" in messages[-1].content.rpartition("Question:")[2]:
            return "Not found in this book."
        return f"The keeper wrote it, {len(seen)}."

    monkeypatch.setattr(chat, "_write", write)
    return seen


def test_the_first_answer_is_that_of_ask(tiny: Model) -> None:
    question = "Who wrote the name Orla2?"
    talked = reply(begin_with(tiny), question, silent)
    (asked,) = ask(tiny_book(4), AnswerRequest((question,)), tiny, silent)
    assert talked.last is not None
    assert (talked.last.answer, talked.last.citations) == (asked.answer, asked.citations)
    assert talked.last.coverage == asked.coverage


def test_the_model_sees_the_turns_before(tiny: Model, shown: list[Sequence[Message]]) -> None:
    talked = begin_with(tiny)
    for question in ("Who wrote Orla2?", "Where is Nemo?", "And where then?"):
        talked = reply(talked, question, silent)
    roles = [[message.role for message in messages] for messages in shown]
    # The book knows no Nemo, so the model is not asked.
    assert roles == [["system", "user"], ["system", "user", "assistant", "user"]]
    assert [message.content for message in shown[1][1:3]] == [
        "Who wrote Orla2?",
        "The keeper wrote it, 1.",
    ]
    assert talked.turns[1].answer.answer is None
    assert not any(NOT_FOUND in message.content.lower() for message in shown[1][:-1])


def test_a_question_without_words_of_its_own_finds_what_the_one_before_was_about(
    tiny: Model, shown: list[Sequence[Message]]
) -> None:
    talked = reply(begin_with(tiny), "Who is Orla3?", silent)
    talked = reply(talked, "And then?", silent)
    assert "Orla3 in the book" in shown[1][-1].content
    assert "And then?" in shown[1][-1].content
    assert talked.last is not None
    assert talked.last.citations
    for turn in talked.turns:
        for citation in turn.answer.citations:
            assert talked.book.text[citation.start : citation.end] == citation.quote


def test_a_limit_leaves_other_chapters_and_the_memory_out(
    remembering: Model, shown: list[Sequence[Message]]
) -> None:
    talked = begin_with(remembering)
    limited = limit(talked, "2")
    limited = reply(limited, "Who is Orla3?", silent)
    limited = reply(limited, "Who is Orla2?", silent)
    assert not any("Orla3 in" in messages[-1].content for messages in shown)
    assert "Orla2 in" in shown[0][-1].content
    (first, second) = limited.turns
    assert first.chapter == second.chapter == "2"
    assert second.answer.memory == "off"
    words = talked.book.kept_chapters[1].num_words
    assert second.answer.coverage.num_words == words
    assert {citation.chapter_label for citation in second.answer.citations} == {"2"}
    lifted = reply(limit(limited, None), "Who is Orla3?", silent)
    assert lifted.turns[:2] == limited.turns
    assert lifted.turns[2].chapter is None
    assert lifted.turns[2].answer.memory == "read"
    assert "Orla3 in" in shown[1][-1].content


@pytest.mark.parametrize("wanted", ["5", "0", "ii", "", "3"])
def test_only_chapters_that_are_read_can_be_chosen(tiny: Model, wanted: str) -> None:
    """With `--upto 2` the third chapter stays unread, whatever is asked for."""
    book = select_chapters(tiny_book(4), upto=2)
    talked = begin(book, KEPT_NOTHING, SamplingRequest(), tiny, silent)
    with pytest.raises(UsageError, match="is read") as caught:
        limit(talked, wanted)
    assert caught.value.exit_code == 2


def test_a_book_is_read_once(remembering: Model) -> None:
    told: list[Event] = []
    talked = begin(tiny_book(2), MemoryRequest(), SamplingRequest(), remembering, told.append)
    assert [event for event in told if isinstance(event, Read)]
    told.clear()
    for question in ("Who is Orla1?", "And Orla2?"):
        talked = reply(talked, question, told.append)
    again = begin(tiny_book(2), MemoryRequest(), SamplingRequest(), remembering, told.append)
    assert not [event for event in told if isinstance(event, Read)]
    assert again.answerer.coverage == talked.answerer.coverage
    assert again.answerer.coverage.dropped == 0


def test_a_memory_file_takes_the_place_of_the_book(
    remembering: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)
    path = tmp_path / "book.infmem"
    read(tiny_book(2), ReadRequest(path), remembering, silent)
    told: list[Event] = []
    from_file = begin(None, MemoryRequest(path), SamplingRequest(), remembering, told.append)
    talked = reply(from_file, "Who is Orla2?", told.append)
    assert not [event for event in told if isinstance(event, Read)]
    from_book = reply(begin_with(remembering, 2), "Who is Orla2?", silent)
    assert talked.last is not None
    assert from_book.last is not None
    assert talked.last.answer == from_book.last.answer
    assert talked.book.text == from_book.book.text


def test_the_words_come_as_they_are_written(tiny: Model) -> None:
    pieces: list[str] = []
    told: list[Event] = []
    reply(begin_with(tiny), "Who wrote the name Orla2?", told.append, pieces.append)
    assert len(pieces) > 1
    assert told
