"""A summary of the notes as they are: from all over the book, and what comes back in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.store.book_memory import Note
from infini_cli.tasks.choose import MEAN_WORDS, choose, rank
from infini_cli.tasks.parts import Part

CENTRAL = "The keeper hides the brass lantern of the old tower."
ASIDE = "A cook in the harbour peels seventeen onions."


def notes(texts: list[str]) -> list[Part]:
    made = [Note(index, "1", "One", text) for index, text in enumerate(texts)]
    return [Part(note.text, note=note) for note in made]


def test_of_a_stretch_the_sentence_that_is_like_others_is_taken() -> None:
    other = "A sailor in the market sells nine blue blankets."
    more = "The lantern of the old tower is brass and the keeper lights it."
    found = choose(notes([f"{ASIDE} {CENTRAL}", f"{more} {other}"]), 2 * MEAN_WORDS)
    assert [part.text for part in found] == [CENTRAL, more]
    assert [part.notes[0].segment for part in found] == [0, 1]


def test_a_few_words_stand_for_nothing_where_there_are_more() -> None:
    short = "The lantern of brass is old."
    assert [p.text for p in choose(notes([f"{short} {ASIDE}"]), MEAN_WORDS)] == [ASIDE]
    assert [p.text for p in choose(notes([short]), MEAN_WORDS)] == [short]


def test_every_stretch_has_its_share_and_in_order() -> None:
    texts = [f"Keeper{n} writes the name Orla{n} into the book of the tower." for n in range(40)]
    found = choose(notes(texts), 10 * MEAN_WORDS)
    segments = [part.notes[0].segment for part in found]
    assert segments == sorted(segments)
    assert [segment // 4 for segment in segments] == list(range(10))


def test_few_notes_give_several_sentences_each() -> None:
    sea, out = (
        "The tower falls into the sea at night.",
        "The lantern goes out before the tower falls.",
    )
    texts = [f"{CENTRAL} {ASIDE}", f"{sea} {out}"]
    found = choose(notes(texts), 40 * MEAN_WORDS)
    assert [part.text for part in found] == [
        CENTRAL,
        ASIDE,
        sea,
        out,
    ]


def test_sentences_that_lean_on_others_are_left_out_where_there_are_better() -> None:
    assert [c.part.text for c in rank(notes([f"{CENTRAL} He laughs at the lantern."]))] == [CENTRAL]
    only = "He laughs at the lantern."
    assert [c.part.text for c in rank(notes([only]))] == [only]


def test_a_question_draws_what_shares_its_words() -> None:
    texts = [CENTRAL, ASIDE, *(f"Nothing much happens on island {n} today." for n in range(20))]
    found = choose(notes(texts), MEAN_WORDS, "What does the cook do with the onions?")
    assert [part.text for part in found] == [ASIDE]


@pytest.mark.parametrize("words", [1, 20, 1000])
def test_no_notes_give_nothing(words: int) -> None:
    assert choose([], words) == []


@given(
    st.lists(st.text(st.sampled_from("aeblt .H"), max_size=40), max_size=12),
    st.integers(1, 400),
)
def test_whatever_the_notes_what_is_chosen_is_theirs(texts: list[str], words: int) -> None:
    found = choose(notes(texts), words)
    places = [part.notes[0].segment for part in found]
    assert places == sorted(places)
    for part in found:
        assert part.text in " ".join(texts[part.notes[0].segment].split())
