"""Summaries in a style: what the model is told, what is read for it, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infini_cli.errors import UsageError
from infini_cli.progress import Event, Note, Read, silent
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, Identity
from infini_cli.tasks import note_questions, summarize
from infini_cli.tasks.book_reader import Reading
from infini_cli.tasks.instructions import USUAL
from infini_cli.tasks.leaks import clean_sentence
from infini_cli.tasks.model import Model
from infini_cli.tasks.read import read
from infini_cli.tasks.recipes import request_of
from infini_cli.tasks.render import render
from infini_cli.tasks.requests import (
    MemoryRequest,
    ReadRequest,
    SectionStyle,
    Style,
    SummaryRequest,
)
from infini_cli.tasks.writer import Draft
from tests.tasks.scenes import notes_on, small_book
from tests.tasks.tiny import tiny_book


@pytest.fixture(autouse=True)
def short_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)


def told_of(model: Model, request: SummaryRequest, book: Book | None = None) -> list[Event]:
    told: list[Event] = []
    summarize.summarize(book or tiny_book(3), request, model, told.append)
    return told


def segments_read(told: Sequence[Event]) -> int:
    return sum(isinstance(event, Read) for event in told)


def test_a_style_with_the_usual_notes_reads_nothing_again(tiny: Model) -> None:
    assert segments_read(told_of(tiny, SummaryRequest()))
    for name in ("plot", "outline", "paragraph"):
        assert not segments_read(told_of(tiny, request_of(name)))


def test_notes_of_its_own_are_read_for_and_kept_apart(tiny: Model) -> None:
    plain = segments_read(told_of(tiny, SummaryRequest()))
    assert segments_read(told_of(tiny, request_of("abstract"))) == plain
    assert not segments_read(told_of(tiny, request_of("abstract")))
    assert not segments_read(told_of(tiny, SummaryRequest()))


def test_segments_of_its_own_length(tiny: Model) -> None:
    shorter = SummaryRequest(style=Style("s", segment_length=24))
    assert segments_read(told_of(tiny, shorter)) > segments_read(told_of(tiny, SummaryRequest()))
    made = summarize.summarize(tiny_book(3), shorter, tiny, silent)
    assert made.model is not None
    assert made.model.segment_length == 24
    assert made.coverage.dropped == 0
    with pytest.raises(UsageError, match="segments of 2,000 tokens do not fit"):
        told_of(tiny, SummaryRequest(style=Style("s", segment_length=2000)))


def test_a_memory_with_other_notes_is_used_and_said_so(tiny: Model, tmp_path: Path) -> None:
    path = tmp_path / "book.infmem"
    read(tiny_book(2), ReadRequest(path), tiny, silent)
    for name, warned in (("plot", False), ("abstract", True), ("study-notes", True)):
        request = replace(request_of(name), memory=MemoryRequest(path))
        told: list[Event] = []
        made = summarize.summarize(None, request, tiny, told.append)
        assert not segments_read(told)
        assert (summarize.FOREIGN_NOTES in made.warnings) is warned
        warnings = [event for event in told if isinstance(event, Note) and event.warning]
        assert bool(warnings) is warned


@pytest.fixture
def asked(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the model is asked about a book of scenes; it repeats the last note it is shown."""
    seen: list[str] = []

    def write(model: Model, prompts: Sequence[str], **rest: Any) -> list[Draft]:
        seen.extend(prompts)
        shown = [f"\n\n{prompt}".split("\n\n")[-2] for prompt in prompts]
        return [Draft(text, 9, False) for text in shown]

    def read_through(book: Book, model: Model, progress: Any, **rest: Any) -> Reading:
        # Twice, so that none is as short as a chapter's summary may be.
        notes = tuple(replace(note, text=f"{note.text} {note.text}") for note in notes_on(book))
        identity = Identity("m", "c", "f", "t", "s", "p", "r")
        memory = BookMemory(identity, book, (), len(notes), len(notes), 9, 9, notes)
        return Reading(memory, None, 0)  # type: ignore[arg-type]

    monkeypatch.setattr("infini_cli.tasks.asking.write_prompts", write)
    monkeypatch.setattr(summarize, "read_through", read_through)
    return seen


INSTRUCTIONS = replace(
    USUAL,
    shorten="\n\n---\nSHORTEN {words}",
    chapter="\n\n---\nCHAPTER {words}",
    merge="\n\n---\nMERGE {words}",
    update="\n\n---\nUPDATE {words}",
    memory="REMEMBER {title} {words}",
)


@pytest.mark.parametrize(
    ("method", "by_chapter", "expected"),
    [
        ("hierarchical", False, {"SHORTEN"}),
        ("hierarchical", True, {"CHAPTER"}),
        ("incremental", False, {"MERGE", "UPDATE"}),
        ("memory", False, {"REMEMBER"}),
    ],
)
def test_the_model_is_told_what_the_style_says(
    method: str,
    by_chapter: bool,
    expected: set[str],
    tiny: Model,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infini_cli.tasks.merge.MAX_SOURCE_TOKENS", 200)
    request = SummaryRequest(
        method, "20w", by_chapter=by_chapter, style=Style("mine", INSTRUCTIONS)
    )
    made = summarize.summarize(small_book(20), request, tiny, silent)
    last = {prompt.rpartition("\n")[2].split()[0] for prompt in asked}
    assert last == expected
    assert made.style == "mine"
    assert not any("CHAPTER" in sentence.text for sentence in made.all_sentences)


def test_sections_have_their_headings_and_no_numbers(tiny: Model, asked: list[str]) -> None:
    sections = (
        SectionStyle("People", "\n\n---\nPEOPLE {words}"),
        SectionStyle("Places", "\n\n---\nPLACES {words}"),
    )
    request = SummaryRequest(length="120w", style=Style("mine", sections=sections))
    book = small_book(12)
    made = summarize.summarize(book, request, tiny, silent)
    assert made.sentences == ()
    assert [(s.chapter_label, s.title) for s in made.sections] == [
        (None, "People"),
        (None, "Places"),
    ]
    of = [[prompt for prompt in asked if name in prompt] for name in ("PEOPLE", "PLACES")]
    assert len(of[0]) == len(of[1]) > 1
    for section in made.sections:
        # From the beginning of the book to its end, each sentence with its passage.
        assert [s.citations[0].start for s in section.sentences] == sorted(
            s.citations[0].start for s in section.sentences
        )
        assert all(sentence.supported for sentence in section.sentences)
        assert len(section.text.split()) <= 60 * 1.15
    text = render(made, "md")
    assert "\n## People\n\n" in text
    assert "\n## Places\n\n" in text
    assert json.loads(render(made, "json"))["style"] == "mine"


def test_an_empty_section_is_named_by_its_title(tiny: Model, asked: list[str]) -> None:
    sections = (SectionStyle("A", "x"), SectionStyle("B", "y"))
    request = SummaryRequest(strict=True, style=Style("mine", sections=sections))
    blank = summarize.SectionSummary(None, "A", ())
    made = summarize.summarize(small_book(3), request, tiny, silent)
    told = summarize.strict_warnings(request, (), [blank, made.sections[1]])
    assert told == ["of section A no sentence is supported, and `--strict` left all out"]


def test_one_paragraph(tiny: Model, asked: list[str]) -> None:
    book = small_book(20)
    usual = summarize.summarize(book, SummaryRequest(length="150w"), tiny, silent)
    assert "\n\n" in usual.text
    request = SummaryRequest(length="150w", style=Style("p", one_paragraph=True))
    made = summarize.summarize(book, request, tiny, silent)
    assert "\n" not in made.text
    assert made.text.split() == usual.text.split()


def test_without_a_style_the_json_is_what_it_was(tiny: Model, asked: list[str]) -> None:
    made = summarize.summarize(small_book(3), SummaryRequest(), tiny, silent)
    assert "style" not in json.loads(render(made, "json"))


def test_an_echo_of_the_style_s_own_words_is_one() -> None:
    told = ("\n\n---\nName the herbs of the garden in {words} words. Say no more than that now.",)
    assert clean_sentence("Name the herbs of the garden in nine words.") != ""
    assert clean_sentence("Name the herbs of the garden in nine words.", told) == ""
    assert clean_sentence("Say no more than that now.", told) == ""
    assert clean_sentence("Nerrin names herbs.", told) == "Nerrin names herbs."
