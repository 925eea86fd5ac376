"""Summaries and answers end to end, by a model that writes nonsense: the honesty is real."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infini_cli.errors import DamagedInput, InfiniError, MemoryMismatch, UsageError
from infini_cli.progress import Event, Note, Read, silent
from infini_cli.store import memory_file
from infini_cli.store.memory_file import load_book_memory, read_header
from infini_cli.tasks import note_questions
from infini_cli.tasks import read as reading
from infini_cli.tasks.ask import ask
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model
from infini_cli.tasks.read import read
from infini_cli.tasks.render import render
from infini_cli.tasks.requests import AnswerRequest, MemoryRequest, ReadRequest, SummaryRequest
from infini_cli.tasks.summarize import summarize, summarize_each
from infini_cli.tasks.writer import Draft
from tests.tasks.tiny import tiny_book


@pytest.fixture(autouse=True)
def short_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)


@pytest.mark.parametrize("method", ["hierarchical", "incremental", "memory", "lead", "textrank"])
def test_every_method_says_what_it_read(tiny: Model, method: str) -> None:
    book = tiny_book(3)
    summary = summarize(book, SummaryRequest(method=method, length="30w"), tiny, silent)
    coverage = summary.coverage
    assert coverage.dropped == 0
    assert coverage.words_read == coverage.num_words == book.num_words
    document = json.loads(render(summary, "json"))
    assert document["schema"] == "infini/2"
    assert document["coverage"]["dropped"] == 0
    assert "nothing dropped" in render(summary, "md")
    assert ("No model" in render(summary, "text")) is (method in ("lead", "textrank"))


def test_by_chapter_there_is_a_section_a_chapter(tiny: Model) -> None:
    request = SummaryRequest(by_chapter=True)
    summary = summarize(tiny_book(3), request, tiny, silent)
    assert [section.chapter_label for section in summary.sections] == ["1", "2", "3"]
    assert summary.text == ""


def test_the_same_request_gives_the_same_words(tiny: Model) -> None:
    texts = {
        summarize(tiny_book(2), SummaryRequest(length="40w"), tiny, silent).text for _ in range(2)
    }
    assert len(texts) == 1


def test_a_memory_file_takes_the_place_of_the_book(tiny: Model, tmp_path: Path) -> None:
    book, path = tiny_book(3), tmp_path / "book.infmem"
    result = read(book, ReadRequest(path), tiny, silent)
    assert result.num_notes == read_header(path)["num_segments"] > 3
    told: list[Event] = []
    request = SummaryRequest(length="30w", memory=MemoryRequest(path))
    from_memory = summarize(None, request, tiny, told.append)
    assert not [event for event in told if isinstance(event, Read)]
    from_book = summarize(book, SummaryRequest(length="30w"), tiny, silent)
    assert from_memory.text == from_book.text
    assert from_memory.coverage == from_book.coverage
    restored = load_book_memory(path, tiny).book
    assert restored.text == book.text
    assert restored.chapters == book.chapters


def test_another_models_memory_is_refused_with_the_reason(
    tiny: Model, remembering: Model, tmp_path: Path
) -> None:
    path = tmp_path / "book.infmem"
    read(tiny_book(2), ReadRequest(path), tiny, silent)
    with pytest.raises(MemoryMismatch, match="another checkpoint"):
        load_book_memory(path, remembering)


def test_a_memory_of_an_older_format_is_refused_and_a_kept_one_made_again(
    tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, book = tmp_path / "book.infmem", tiny_book(2)
    with monkeypatch.context() as older:
        older.setattr(memory_file, "SCHEMA", "infmem/1")
        read(book, ReadRequest(path), tiny, silent)
        read_through(book, tiny, silent, notes=True, use_cache=True)
    with pytest.raises(MemoryMismatch, match="has format 'infmem/1'") as caught:
        load_book_memory(path, tiny)
    assert caught.value.hint == "read the book again with `infini read`"
    told: list[Event] = []
    again = read_through(book, tiny, told.append, notes=True, use_cache=True)
    assert again.num_resumed == 0
    (note,) = [event for event in told if isinstance(event, Note)]
    assert note.text.endswith("this version reads 'infmem/4'; reading the book again")


@pytest.mark.parametrize("place", [0, 40, 700, -3])
def test_an_altered_memory_is_refused(tiny: Model, tmp_path: Path, place: int) -> None:
    path = tmp_path / "book.infmem"
    read(tiny_book(2), ReadRequest(path), tiny, silent)
    data = bytearray(path.read_bytes())
    data[place] ^= 0x41
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedInput, match="cut or altered"):
        load_book_memory(path, tiny)


def test_an_answer_quotes_the_book(tiny: Model) -> None:
    book = tiny_book(4)
    request = AnswerRequest(tuple(f"Who wrote Orla{n % 4}, the {n}th name?" for n in range(10)))
    answers = list(ask(book, request, tiny, silent))
    alone = [
        next(ask(book, AnswerRequest((question,)), tiny, silent)) for question in request.questions
    ]
    assert [answer.answer for answer in answers] == [answer.answer for answer in alone]
    assert [answer.question for answer in answers] == list(request.questions)
    for answer in answers:
        for citation in answer.citations:
            assert book.text[citation.start : citation.end] == citation.quote
        assert answer.memory == "off"
        assert answer.coverage.dropped == 0


def test_from_memory_alone_there_is_nothing_to_cite(tiny: Model, remembering: Model) -> None:
    request = AnswerRequest(("Who is Orla3?",), memory_only=True)
    for model, warned in ((tiny, True), (remembering, False)):
        (answer,) = ask(tiny_book(2), request, model, silent)
        assert answer.citations == ()
        assert answer.memory == "read"
        assert bool(answer.warnings) is warned


def test_an_extract_needs_the_book(tmp_path: Path, tiny: Model) -> None:
    request = SummaryRequest(method="lead", memory=MemoryRequest(tmp_path / "x.infmem"))
    with pytest.raises(UsageError, match="needs a book"):
        summarize(None, request, tiny, silent)


@pytest.mark.parametrize("method", ["notes", "hierarchical", "incremental", "memory", "lead"])
def test_summaries_side_by_side_are_those_written_one_by_one(tiny: Model, method: str) -> None:
    book = tiny_book(3)
    requests = [
        SummaryRequest(method, length, question=question)
        for length, question in (("20w", None), ("30w", "Who is Orla?"), ("20w", "Who came?"))
    ]
    made = summarize_each(book, requests, tiny, silent)
    alone = [summarize(book, request, tiny, silent) for request in requests]
    assert [one.sentences for one in made] == [one.sentences for one in alone]
    assert [one.length for one in made] == ["20w", "30w", "20w"]


def test_summaries_side_by_side_are_of_one_kind(tiny: Model) -> None:
    requests = [SummaryRequest("hierarchical"), SummaryRequest("incremental")]
    with pytest.raises(ValueError, match="differ"):
        summarize_each(tiny_book(2), requests, tiny, silent)


@pytest.mark.parametrize("method", ["hierarchical", "incremental", "memory"])
def test_a_question_stands_last_in_what_the_model_is_told(
    tiny: Model, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def listen(model: Model, prompts: Sequence[str], **rest: Any) -> list[Draft]:
        asked.extend(prompts)
        return [Draft("A word.", 3, False) for _ in prompts]

    monkeypatch.setattr("infini_cli.tasks.asking.write_prompts", listen)
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 40)
    request = SummaryRequest(method=method, length="20w", question="Who is {Orla}?")
    summarize(tiny_book(2), request, tiny, silent)
    assert asked
    assert all(prompt.endswith(": Who is {Orla}?") for prompt in asked)
    asked.clear()
    summarize(tiny_book(2), replace(request, question=None), tiny, silent)
    assert asked
    assert not any("Orla}" in prompt or "question" in prompt for prompt in asked)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(28, "No space left on device"), InfiniError, "No space left"),
        (PermissionError(13, "Permission denied"), UsageError, "Permission denied"),
    ],
)
def test_a_memory_that_cannot_be_written_is_told_and_what_was_read_kept(
    tiny: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    kind: type[InfiniError],
    message: str,
) -> None:
    def full(path: Path, memory: object) -> None:
        raise error

    request = ReadRequest(tmp_path / "book.infmem")
    with monkeypatch.context() as broken:
        broken.setattr(reading, "save_book_memory", full)
        with pytest.raises(kind, match=message) as caught:
            read(tiny_book(3), request, tiny, silent)
    assert type(caught.value) is kind
    told: list[Event] = []
    read(tiny_book(3), request, tiny, told.append)
    assert not [event for event in told if isinstance(event, Read)], "nothing is read again"
