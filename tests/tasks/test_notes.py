"""Notes on segments: what is kept of what the model wrote."""

from __future__ import annotations

import numpy as np
import pytest

from infini_cli.language.narration import narration
from infini_cli.store.book_memory import Note
from infini_cli.tasks.notes import make_note
from infini_cli.tasks.writer import Draft
from infini_cli.tokens.segments import Segment

SOURCE = "Nerrin opens the walnut box. She takes the brass weight out. The pilot sleeps on deck."
TRUE = "Nerrin opens the walnut box."
ALSO = "The pilot sleeps on deck."
FALSE = "A burglar steals fourteen pearls."


def note(*drafts: Draft, source: str = SOURCE) -> Note:
    zeros = np.zeros(4, dtype=np.int32)
    segment = Segment(3, "2", "Two", zeros, zeros, 10, 90, "a", "b", True)
    return make_note(segment, source, drafts)


def test_each_sentence_that_stays_has_its_measures() -> None:
    turned = "The walnut box opens Nerrin."
    made = note(Draft(f"{TRUE} {FALSE} {turned}", 20, False, 0.75))
    assert made.text == f"{TRUE} {turned}"
    assert (made.segment, made.chapter_label, made.start, made.end) == (3, "2", 10, 90)
    assert made.orders == (1.0, 0.5)
    assert made.confidences == (0.75, 0.75)
    assert made.support == 1.0


def test_a_report_with_another_speaker_has_no_order() -> None:
    source = "\u201cNerrin opens the walnut box,\u201d said Ketty.\n\nThe pilot slept."
    right, wrong = (
        "Ketty says Nerrin opens the walnut box.",
        "Nerrin says Ketty opens the walnut box.",
    )
    assert note(Draft(right, 20, False, 0.75), source=source).orders[0] > 0.5
    assert note(Draft(wrong, 20, False, 0.75), source=source).orders == (0.0,)


def test_a_narrator_tells_of_himself() -> None:
    source = "I opened the walnut box. \u201cI took the brass weight,\u201d said Ketty. It rained."
    zeros = np.zeros(4, dtype=np.int32)
    segment = Segment(3, "2", "Two", zeros, zeros, 10, 90, "a", "b", True)

    def told(text: str, *, is_narrated: bool = True, source: str = source) -> tuple[str, float]:
        drafts = [Draft(text, 20, False, 0.75)]
        made = make_note(segment, source, drafts, told=narration(source) if is_narrated else "")
        return made.text, made.orders[0]

    true = "The narrator opens the walnut box."
    assert told(true) == (true, 1.0)
    assert told("The narrator opens his walnut box.") == (
        "The narrator opens their walnut box.",
        1.0,
    )
    # Of a text that nobody tells of himself nothing is told of a narrator.
    assert told(true, is_narrated=False)[1] == 0.0
    # What somebody says of himself is not of the narrator, and the narrator's not of another.
    assert told("The narrator takes the brass weight.")[1] == 0.0
    assert told("Ketty opens the walnut box.")[1] == 0.0
    assert told("The narrator says it rains.")[1] == 0.0
    assert told(true, source="We opened the walnut box with you.")[1] == 0.0


def test_each_sentence_has_the_confidence_of_its_own_draft() -> None:
    made = note(Draft(f"{TRUE} {FALSE}", 20, False, 0.75), Draft(ALSO, 9, False, 0.5))
    assert made.text == f"{TRUE} {ALSO}"
    assert made.orders == (1.0, 1.0)
    assert made.confidences == (0.75, 0.5)


def test_what_was_written_twice_stands_once() -> None:
    made = note(Draft(TRUE, 9, False, 0.75), Draft(f"{TRUE} {ALSO}", 20, False, 0.5))
    assert made.text == f"{TRUE} {ALSO}"
    assert made.confidences == (0.75, 0.5)


def test_nothing_asked_is_an_empty_note() -> None:
    assert note().text == ""


@pytest.mark.parametrize(
    "wrong", ["Nerrin takes his brass weight out.", "A burglar takes fourteen brass pearls out."]
)
def test_what_is_about_others_has_no_order(wrong: str) -> None:
    assert note(Draft(wrong, 9, False, 0.75)).orders == (0.0,)
    assert note(Draft("Nerrin takes the brass weight out.", 9, False, 0.75)).orders[0] > 0.7


def test_the_best_stays_where_nothing_is_borne() -> None:
    made = note(Draft(FALSE, 9, False, 0.25))
    assert made.text == FALSE
    assert made.support < 0.5
    assert made.confidences == (0.25,)


def test_what_the_limit_cut_off_goes() -> None:
    half = "Nerrin opens the walnut"
    assert note(Draft(f"{ALSO} {half}", 9, True)).text == ALSO
    assert note(Draft(half, 9, True)).text == half
    assert note(Draft(f"{ALSO} {half}", 9, False)).text == f"{ALSO} {half}"


def test_nothing_written_is_an_empty_note() -> None:
    made = note(Draft("", 0, False))
    assert (made.text, made.support, made.orders) == ("", 0.0, ())


@pytest.mark.parametrize("text", ["One. Two", "Dr", "He said: no", "…"])
def test_measures_are_of_sentences_or_there_are_none(text: str) -> None:
    made = note(Draft(f"{text} {text}", 3, False))
    assert len(made.orders) == len(made.confidences)
