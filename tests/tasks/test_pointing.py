"""What is to be told of a segment: the sentences that matter most, and only where some do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from infini_models.low_rank import grow_corrections
from infini_models.readout import Readout

from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.progress import silent
from infini_cli.tasks import reading_run
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.instructions import USUAL
from infini_cli.tasks.model import Model
from infini_cli.tasks.note_groups import Group
from infini_cli.tasks.note_questions import NoteQuestions
from infini_cli.tasks.pointing import MAX_WORDS, NUM_POINTS, points
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import plan_segments
from tests.tokens.build import build_book

LONG = "word " * 80
BOOK = build_book(
    [
        [
            "# One",
            "Mara lit the brass lamp above the door. He sat. "
            "The pilot lit the other lamp too, at last. Onions are cheap this year in town.",
            LONG.strip().capitalize() + ".",
        ]
    ]
)
SENTENCES = sentences_of(BOOK.kept_chapters)


def values(*numbers: float) -> dict[int, float]:
    places = [one.place[0] for one in SENTENCES]
    return dict(zip(places, numbers, strict=False))


def test_what_matters_most_is_told_in_reading_order() -> None:
    assert points(SENTENCES, values(0.2, 0.9, 0.1, 0.5)) == [
        "Mara lit the brass lamp above the door.",
        "Onions are cheap this year in town.",
    ]


def test_short_sentences_are_told_where_there_are_no_others() -> None:
    assert points(SENTENCES[1:2], values(0.2, 0.9)) == ["He sat."] * NUM_POINTS


def test_what_is_asked_or_said_of_oneself_is_told_where_there_is_nothing_else() -> None:
    book = build_book(
        [["# One", "I lit the brass lamp above the door. Who lit the other lamp of brass, Mara?"]]
    )
    asked = sentences_of(book.kept_chapters)
    matter = {one.place[0]: 2.0 for one in asked}
    assert points(asked, matter) == [one.text for one in asked]
    assert points([*asked, *SENTENCES], matter | values(0.2, 0, 0.1, 0.5)) == [
        "Mara lit the brass lamp above the door.",
        "Onions are cheap this year in town.",
    ]


def test_what_a_narrator_tells_of_himself_is_told() -> None:
    book = build_book(
        [["# One", "I lit the brass lamp above the door. Mara sold the other lamp to the pilot."]]
    )
    sentences = sentences_of(book.kept_chapters)
    own, other = (one.place[0] for one in sentences)
    assert points(sentences, {own: 2.0, other: 1.0}) == [sentences[1].text] * NUM_POINTS
    assert points(sentences, {own: 2.0, other: 1.0}, {own}) == [one.text for one in sentences]


def test_a_narrator_is_one_of_a_chapter(taught: Model) -> None:
    own = "I rowed out to the lamp and lit it with my last match. "
    said = "\u201cI rowed out to the lamp myself,\u201d said the old man to the pilot. "
    book = build_book(
        [["# One", own * 12, said, "Would I row? I asked him, and we sank."], ["# Two", said * 12]]
    )
    questions = NoteQuestions(taught, book, USUAL)
    found = {one.place[0]: one.text for one in sentences_of(book.kept_chapters)}
    assert [found[place] for place in sorted(questions.narrated)] == [own.strip()] * 12
    plan = plan_segments(book, taught.tokenizer, 64)
    for segment in plan.segments:
        told = questions.told(segment, own)
        assert told == (own if segment.chapter_label == "1" else "")


def test_a_long_sentence_is_cut() -> None:
    found = points(SENTENCES[4:], values(0, 0, 0, 0, 1))
    assert [len(text.split()) for text in found] == [MAX_WORDS] * NUM_POINTS


def test_what_was_not_measured_is_not_told() -> None:
    first = "Mara lit the brass lamp above the door."
    assert points(SENTENCES, values(0.2)) == [first] * NUM_POINTS
    assert points(SENTENCES, {}) == points([], values(0.2)) == []


@pytest.fixture
def taught(tiny: Model) -> Model:
    """A tiny model with a readout and corrections, both random."""
    grow_corrections(tiny.decoder, rank=1)
    width = tiny.decoder.config.hidden_size
    salience = Readout(1, torch.linspace(-1, 1, width))
    return replace(tiny, writer="taught", salience=salience, salience_sha256="measured")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Group]:
    """What is to be written, in place of being written."""
    groups: list[Group] = []

    def write_notes(model: Model, group: Group, *_: object, **__: object) -> list[Draft]:
        groups.append(list(group))
        return [Draft(f"Note {n} tells of it.", 5, False, 0.5) for n in range(len(group))]

    monkeypatch.setattr(reading_run, "write_notes", write_notes)
    return groups


def questions(model: Model, groups: list[Group]) -> list[str]:
    return [model.tokenizer.decode(branch.prompt) for group in groups for branch in group]


def test_a_taught_model_is_asked_about_what_matters(taught: Model, asked: list[Group]) -> None:
    reading = read_through(BOOK, taught, silent, notes=True, use_cache=False)
    told = questions(taught, asked)
    segments = reading.plan.segments
    assert NUM_POINTS < len(told) <= NUM_POINTS * len(segments)
    assert len(told) % NUM_POINTS == 0
    texts = [" ".join(one.text.split()[:MAX_WORDS]) for one in SENTENCES]
    assert all(any(text in question for text in texts) for question in told)
    streams = [branch.stream for group in asked for branch in group]
    assert len(set(streams)) == len(streams)
    (note, *_) = reading.book_memory.notes
    assert note.confidences == (0.5,) * len(note.confidences)
    assert len(note.saliences) == len(note.places) > 0


@pytest.mark.parametrize("lack", [{"writer": ""}, {"salience": None}])
def test_any_other_model_is_asked_about_the_segment(
    taught: Model, asked: list[Group], lack: dict[str, None]
) -> None:
    reading = read_through(BOOK, replace(taught, **lack), silent, notes=True, use_cache=False)
    told = questions(taught, asked)
    assert len(told) == len(reading.plan.segments)
    assert len(set(told)) == 1
