"""Summaries end to end, by a stand-in that writes sense and nonsense: what a reader gets to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from infini_cli.progress import silent
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, Identity, Note
from infini_cli.tasks import asking, merge
from infini_cli.tasks import summarize as module
from infini_cli.tasks.length import MAX_OVERSHOOT, MIN_SHARE, parse_length
from infini_cli.tasks.model import Model
from infini_cli.tasks.render import render
from infini_cli.tasks.render_explanation import render_explanation
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.summarize import NOTHING_SUPPORTED, summarize
from infini_cli.tasks.values import Summary
from infini_cli.tasks.writer import Draft
from tests.tasks.scenes import notes_on, small_book
from tests.tokens.build import build_book

CHAPTERS = [
    ["# Landing", "Nerrin crossed the lake with a walnut box. The pilot set her down at the quay."],
    ["# Weighing", "Nerrin weighed the brass tolm against forty coins. It was light by a lenz."],
    ["# Wreck", "Jossamy and Pia found the hull of the skiff. Three holes had been bored in it."],
]
NOTES = (
    "Nerrin crosses the lake with a walnut box.",
    "Nerrin weighs the brass tolm against 40 coins.",
    "Jossamy and Pia find the hull of the skiff.",
)


@pytest.fixture
def book() -> Book:
    return build_book(CHAPTERS)


Summarizer = Callable[..., Summary]


def put_notes(
    monkeypatch: pytest.MonkeyPatch, book: Book, model: Model, notes: Sequence[Note]
) -> None:
    """Make the summaries of a book be written from these notes."""
    identity = Identity("tiny", "", "", "", "", "", "")
    memory = BookMemory(identity, book, model.decoder.empty_memory(), 6, 6, 182, 182, tuple(notes))
    monkeypatch.setattr(
        module, "read_through", lambda *given, **options: SimpleNamespace(book_memory=memory)
    )


@pytest.fixture
def summarizer(tiny: Model, book: Book, monkeypatch: pytest.MonkeyPatch) -> Summarizer:
    """Summarise with these notes, and drafts given in place of the model's."""
    notes = [
        Note(i, c.label, c.title, NOTES[i], 1.0, c.blocks[0].start, c.blocks[-1].end)
        for i, c in enumerate(book.kept_chapters)
    ]
    put_notes(monkeypatch, book, tiny, notes)

    def run(drafts: Sequence[str], **options: Any) -> Summary:
        waiting = list(drafts)

        def write(model: Model, asked: Sequence[str], **settings: Any) -> list[Draft]:
            return [Draft(waiting.pop(0), 1, False) for _ in asked]

        monkeypatch.setattr(asking, "write_prompts", write)
        made = summarize(book, SummaryRequest(**options), tiny, silent)
        assert not waiting
        assert made.model is not None
        return replace(made, seconds=1.0, model=replace(made.model, name="tiny"))

    return run


WRITTEN = (
    "Sure! In this book, Nerrin crosses the lake with a walnut box. "
    "Pirates rob Nerrin of the coins."
)
SHOWN = """\
A Book by Ann Author

Nerrin crosses the lake with a walnut box. [ch. 1] Pirates rob Nerrin of the coins. [unsupported]

"""


def test_what_a_reader_sees(summarizer: Summarizer) -> None:
    shown = render(summarizer([WRITTEN], method="memory", length="20w"), "text")
    assert shown.startswith(SHOWN)
    assert (
        "nothing dropped. 1 of 2 sentences matched to passages. Model tiny, seed 0, 1.0 s." in shown
    )


INVENTED = "Nerrin sells the walnut box to pirates."


@pytest.fixture
def with_invented(
    summarizer: Summarizer, tiny: Model, book: Book, monkeypatch: pytest.MonkeyPatch
) -> Summarizer:
    """The same, but one note tells of what never was."""
    texts = (NOTES[0], INVENTED, NOTES[2])
    notes = [
        Note(i, c.label, c.title, texts[i], 1.0, c.blocks[0].start, c.blocks[-1].end)
        for i, c in enumerate(book.kept_chapters)
    ]
    put_notes(monkeypatch, book, tiny, notes)
    return summarizer


def test_notes_are_taken_as_they_are_and_only_those_that_are_borne(
    with_invented: Summarizer,
) -> None:
    made = with_invented([], length="48w", explain=True)
    assert made.method == "notes"
    quoted = "\u201cNerrin weighed the brass tolm against forty coins.\u201d"
    assert [sentence.text for sentence in made.sentences] == [NOTES[0], quoted, NOTES[2]]
    assert all(sentence.supported for sentence in made.sentences)
    assert made.explanation is not None
    assert [step.text for step in made.explanation.steps if not step.is_kept] == [INVENTED]


def test_notes_by_chapter(with_invented: Summarizer) -> None:
    made = with_invented([], length="short", by_chapter=True)
    shown = [[sentence.text for sentence in section.sentences] for section in made.sections]
    assert shown == [[NOTES[0]], [INVENTED], [NOTES[2]]]
    assert [s.supported for section in made.sections for s in section.sentences] == [
        True,
        False,
        True,
    ]
    strict = with_invented([], length="short", by_chapter=True, strict=True)
    assert [len(section.sentences) for section in strict.sections] == [1, 0, 1]


def test_notes_that_answer_a_question(summarizer: Summarizer) -> None:
    made = summarizer([], length="20w", question="Who weighs what against how many coins?")
    # What it asks, and where there is room what stands beside that.
    assert [sentence.text for sentence in made.sentences] == [*NOTES[:2]]


EXPLAINED = """\
A Book: 6 segments -> 3 of 3 notes -> 2 sentences, 1 left out
1. Nerrin crosses the lake with a walnut box.
  supported 1.00, a note in place of a sentence that is not supported
  instead of: Nerrin is hanged by pirates.
  cites ch. 1, c01.b0002, 9-51: Nerrin crossed the lake with a walnut box.
  made of:
    segment 0 (ch. 1, 0-87): Nerrin crosses the lake with a walnut box.
2. Jossamy and Pia find the hull of the skiff.
  supported 0.82, written by the model
  cites ch. 3, c03.b0002, 184-228: Jossamy and Pia found the hull of the skiff.
  made of:
    segment 0 (ch. 1, 0-87): Nerrin crosses the lake with a walnut box.
    segment 1 (ch. 2, 90-174): Nerrin weighs the brass tolm against 40 coins.
    segment 2 (ch. 3, 177-262): Jossamy and Pia find the hull of the skiff.
left out:
  it says again what an earlier sentence says: Jossamy and Pia find the hull of the skiff.
"""


def test_an_explanation_names_every_step(summarizer: Summarizer) -> None:
    drafts = [f"Nerrin is hanged by pirates. {NOTES[2]} {NOTES[2]}"]
    made = summarizer(drafts, method="incremental", length="20w", explain=True)
    assert render_explanation(made) + "\n" == EXPLAINED
    document = json.loads(render(made, "json"))["explanation"]
    assert [item["note"] for item in document["segments"]] == list(NOTES)
    first, second = document["sentences"]
    assert first["instead_of"] == "Nerrin is hanged by pirates."
    assert first["made_of"] == [{"segment": 0}]
    assert second["made_of"] == [{"segment": 0}, {"segment": 1}, {"segment": 2}]
    assert [item["text"] for item in document["left_out"]] == [NOTES[2]]


def test_groups_of_groups_are_drawn_inside_one_another(
    summarizer: Summarizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MAX_SOURCE_TOKENS", 1)
    made = summarizer([NOTES[0], NOTES[2]], method="incremental", length="20w", explain=True)
    lines = render_explanation(made).splitlines()
    group = next(line for line in lines if line.startswith("    group of "))
    inner = lines[lines.index(group) + 1]
    assert inner.startswith("      segment 0 (ch. 1, ")
    document = json.loads(render(made, "json"))["explanation"]
    tree = document["sentences"][-1]["made_of"]
    assert tree[0]["text"] == NOTES[0]
    assert tree[0]["made_of"][0] == {"segment": 0}
    assert tree[-1] == {"segment": 2}


def test_strict_leaves_out_and_says_so(summarizer: Summarizer) -> None:
    nonsense = "Pirates rob the bank of England."
    made = summarizer([nonsense], method="memory", length="20w", strict=True)
    assert made.sentences == ()
    assert NOTHING_SUPPORTED in made.warnings
    shown = render(made, "text")
    assert f"Note: {NOTHING_SUPPORTED}." in shown
    assert "0 of 0 sentences matched to passages" in shown
    assert NOTHING_SUPPORTED not in summarizer([nonsense], method="memory", length="20w").warnings


def test_by_chapter_only_the_chapter_bears_its_sentences(summarizer: Summarizer) -> None:
    made = summarizer([], by_chapter=True, length="short", strict=True)
    assert [section.text for section in made.sections] == list(NOTES)
    for section in made.sections:
        for sentence in section.sentences:
            assert {c.chapter_label for c in sentence.citations} == {section.chapter_label}


def test_hierarchical_keeps_notes_that_are_short_enough(summarizer: Summarizer) -> None:
    made = summarizer([], length="60w")
    assert made.text == " ".join(NOTES)
    assert [[c.chapter_label for c in s.citations] for s in made.sentences] == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize(
    ("method", "length", "drafted"),
    [("hierarchical", "120w", 1), ("incremental", "120w", 1), ("hierarchical", "3%", 40)],
)
def test_the_length_asked_for_is_held(
    method: str, length: str, drafted: int, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the model writes too little or too much, and says things twice."""
    book = small_book(40)
    put_notes(monkeypatch, book, tiny, notes_on(book))

    def write(model: Model, asked: Sequence[str], **settings: Any) -> list[Draft]:
        told = ["Keeper" + piece.split(".")[0] + "." for piece in asked[0].split("Keeper")[1:]]
        return [Draft(" ".join(told[:drafted]), 1, False) for _ in asked]

    monkeypatch.setattr(asking, "write_prompts", write)
    made = summarize(book, SummaryRequest(method=method, length=length), tiny, silent)
    words = parse_length(length, book.num_words).target_words
    assert MIN_SHARE * words <= made.num_words <= MAX_OVERSHOOT * words
    texts = [sentence.text for sentence in made.sentences]
    assert len(set(texts)) == len(texts)
    assert made.num_supported == len(texts)


@pytest.mark.parametrize("length", ["20w", "32w", "48w"])
def test_a_question_about_the_whole_is_answered_by_the_summary(
    with_invented: Summarizer, length: str
) -> None:
    asked = with_invented([], length=length, question="What is the plot of the story?")
    plain = with_invented([], length=length)
    assert [s.text for s in asked.sentences] == [s.text for s in plain.sentences]
