"""What a text says that its source does not."""

from __future__ import annotations

import pytest

from infini_cli.grounding.support import (
    MIN_SUPPORT,
    is_borne_answer,
    keep_supported,
    reliable,
    support,
)
from infini_cli.language.stems import stems
from infini_cli.store.book_memory import Note

SOURCE = "Nerrin breaks the seal and weighs the old tolm against forty coins. It is light."


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Nerrin weighed the tolm.", 1.0),
        ("The pirates robbed a bank.", 0.0),
        ("Nerrin robbed the bank.", 1 / 3),
        ("It is.", 1.0),
    ],
)
def test_support_is_the_share_of_words_that_the_source_has(sentence: str, expected: float) -> None:
    assert support(sentence, frozenset(stems(SOURCE))) == pytest.approx(expected)


def test_sentences_that_the_source_does_not_bear_go() -> None:
    text = "Nerrin breaks the seal. Pirates rob her bank. The tolm is light."
    assert keep_supported(text, SOURCE) == (
        "Nerrin breaks the seal. The tolm is light.",
        1.0,
    )


def test_words_from_all_over_the_source_are_no_support_within_reach() -> None:
    source = "Orlo lays down a pen. The wind blows. Nerrin laughs. It rains. Pia sells a bell."
    mixed, true = "Pia lays down a bell and laughs.", "Nerrin laughs as it rains."
    assert keep_supported(f"{mixed} {true}", source) == (f"{mixed} {true}", 1.0)
    assert keep_supported(f"{mixed} {true}", source, reach=2) == (true, 1.0)
    kept, best = keep_supported(mixed, source, reach=2)
    assert kept == mixed
    assert best == pytest.approx(2 / 5)
    assert keep_supported(true, "Nerrin laughs.", reach=2) == (true, pytest.approx(2 / 3))
    assert keep_supported(true, "", reach=2) == (true, 0.0)


def test_a_name_must_be_near() -> None:
    plain = "It rains. The wind blows. Nothing moves."
    source = f"Here old Orlo lays down a pen. {plain} There Pia laughs at the bell. {plain}"
    for written, expected in (
        ("Pia laughs at the bell.", 1.0),
        ("Orlo laughs at the bell.", 0.0),
        ("Orlo lays down a pen as it rains.", 1.0),
    ):
        support = keep_supported(written, source, reach=2)[1]
        assert (support > MIN_SUPPORT) == (expected == 1.0), written


def test_where_none_is_borne_the_best_stays() -> None:
    text = "Pirates rob the bank. Pirates rob the seal of Nerrin."
    kept, best = keep_supported(text, SOURCE)
    assert kept == "Pirates rob the seal of Nerrin."
    assert 0 < best < MIN_SUPPORT


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_stays_nothing(text: str) -> None:
    assert keep_supported(text, SOURCE) == (text, 0.0)


def note(chapter: str, support: float) -> Note:
    return Note(0, chapter, "", "text", support)


def test_unreliable_notes_go_where_others_tell_of_the_chapter() -> None:
    good, bad, only = note("1", 0.9), note("1", 0.4), note("ii", 0.4)
    assert reliable([good, bad, good, only]) == [good, good, only]


def test_where_most_are_unreliable_all_stay() -> None:
    notes = [note("1", 0.9), note("1", 0.2), note("1", 0.3)]
    assert reliable(notes) == notes
    assert reliable([]) == []


@pytest.mark.parametrize(
    ("answer", "borne"),
    [
        ("Nerrin weighs the old tolm.", True),
        ("The tolm.", True),
        # Repeats the question, and nothing else.
        ("Nerrin weighs against coins.", False),
        ("", False),
        # Adds words, none of which was read; or one that was.
        ("Nerrin weighs her velvet hat.", False),
        ("Nerrin weighs her velvet seal.", True),
        # A number may stand in the book as a word.
        ("Nerrin weighs 40 coins.", True),
    ],
)
def test_an_answer_says_something_that_was_read(answer: str, borne: bool) -> None:
    question = "What does Nerrin weigh against the coins?"
    assert is_borne_answer(answer, question, ["Nothing here.", SOURCE]) is borne
