"""Questions about the whole of a book, answered from the notes on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli.progress import Event, Note, silent
from infini_cli.tasks import answerer, note_groups, note_questions
from infini_cli.tasks.answerer import NOT_SUMMARISED
from infini_cli.tasks.ask import ask
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.chat import begin, limit, reply
from infini_cli.tasks.model import Model
from infini_cli.tasks.read import read
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, ReadRequest, SamplingRequest
from infini_cli.tasks.writer import Draft
from tests.tasks.tiny import tiny_book

QUESTION = "What is the story about?"
SAYS = "The keeper wrote Orla2 in the book."


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the model say something; give what it is asked."""
    asked: list[str] = []

    def write(model: Model, prompts: list[str], **options: object) -> list[Draft]:
        asked.extend(prompts)
        return [Draft(SAYS, 9, False) for _ in prompts]

    def note(model: Model, branches: list[object], **options: object) -> list[Draft]:
        return [Draft(SAYS, 9, False) for _ in branches]

    monkeypatch.setattr(note_groups, "write_branches", note)
    monkeypatch.setattr(answerer, "write_prompts", write)
    return asked


def test_kept_notes_take_the_place_of_passages(tiny: Model, seen: list[str]) -> None:
    book = tiny_book(4)
    notes = read_through(book, tiny, silent, notes=True, use_cache=True).book_memory.notes
    told: list[Event] = []
    whole, other = ask(book, AnswerRequest((QUESTION, "Who wrote Orla2?")), tiny, told.append)
    assert not [event for event in told if isinstance(event, Note)]
    assert "These are notes on all of the book" in seen[0]
    assert notes[0].text == SAYS
    assert SAYS in seen[0]
    assert "These are passages" in seen[1]
    assert whole.citations
    for citation in (*whole.citations, *other.citations):
        assert book.text[citation.start : citation.end] == citation.quote


def test_so_do_those_of_a_memory_file(tiny: Model, seen: list[str], tmp_path: Path) -> None:
    path = tmp_path / "book.infmem"
    read(tiny_book(3), ReadRequest(path, use_cache=False), tiny, silent)
    request = AnswerRequest((QUESTION,), memory=MemoryRequest(path))
    list(ask(None, request, tiny, silent))
    assert "These are notes on all of the book" in seen[0]


def test_without_notes_it_is_said_what_would_help(tiny: Model, seen: list[str]) -> None:
    told: list[Event] = []
    list(ask(tiny_book(3), AnswerRequest((QUESTION,)), tiny, told.append))
    assert [event.text for event in told if isinstance(event, Note)] == [NOT_SUMMARISED]
    assert "These are passages" in seen[0] or not seen


def test_notes_on_more_than_may_be_known_are_not_used(tiny: Model, seen: list[str]) -> None:
    read_through(tiny_book(4), tiny, silent, notes=True, use_cache=True)
    list(ask(tiny_book(2), AnswerRequest((QUESTION,)), tiny, silent))
    assert not any("These are notes" in prompt for prompt in seen)


def test_a_conversation_uses_them_until_it_is_limited(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)
    book = tiny_book(3)
    read_through(book, tiny, silent, notes=True, use_cache=True)
    chat = begin(book, MemoryRequest(), SamplingRequest(), tiny, silent)
    for now, has_notes in ((chat, True), (limit(chat, "2"), False)):
        told: list[Event] = []
        reply(now, QUESTION, told.append)
        is_told = NOT_SUMMARISED in [event.text for event in told if isinstance(event, Note)]
        assert is_told is not has_notes
