"""Leaving out what is not to be trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.grounding.trust import keep_trusted, trust
from infini_cli.language.sentences import split_sentences
from infini_cli.store.book_memory import Note

Measures = list[list[tuple[float, float]]]


def note(index: int, *sentences: tuple[float, float]) -> Note:
    text = " ".join(f"Keeper {index} writes name {k}." for k in range(len(sentences)))
    return Note(
        index,
        "1",
        "",
        text,
        orders=tuple(one for one, _ in sentences),
        confidences=tuple(one for _, one in sentences),
    )


def test_trust_is_the_product_of_order_and_confidence() -> None:
    assert trust([note(0, (0.5, 0.4), (1.0, 0.6)), note(1, (0.8, 0.5))]) == {
        (0, "Keeper 0 writes name 0."): pytest.approx(0.2),
        (0, "Keeper 0 writes name 1."): pytest.approx(0.6),
        (1, "Keeper 1 writes name 0."): pytest.approx(0.4),
    }


def test_what_is_not_to_be_trusted_goes() -> None:
    notes = [note(n, (n / 10, 1.0)) for n in range(11)]
    assert [one.segment for one in keep_trusted(notes, 0.6)] == [6, 7, 8, 9, 10]
    assert keep_trusted(notes, 0.0) == notes


def test_of_a_note_its_better_sentences_stay_with_their_measures() -> None:
    notes = [note(0, (0.7, 0.3), (1.0, 0.6)), note(1, (0.9, 0.8))]
    (first, *others) = keep_trusted(notes, 0.5)
    assert first.text == "Keeper 0 writes name 1."
    assert (first.orders, first.confidences) == ((1.0,), (0.6,))
    assert others == notes[1:]


@pytest.mark.parametrize("orders", [(), (0.1,), (0.1, 0.1, 0.1)])
def test_notes_without_measures_of_their_sentences_stay(orders: tuple[float, ...]) -> None:
    old = Note(0, "1", "", "It begins. It ends.", orders=orders, confidences=orders)
    assert trust([old]) == {}
    assert keep_trusted([old, note(1, (0.7, 0.1))], 0.5) == [old]


def test_nothing_gives_nothing() -> None:
    assert keep_trusted([], 0.5) == []


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=3), max_size=12
    ),
    st.floats(0, 1),
)
def test_what_stays_is_in_order_and_trusted(measures: Measures, least: float) -> None:
    notes = [note(index, *sentences) for index, sentences in enumerate(measures)]
    kept = keep_trusted(notes, least)
    places = [note.segment for note in kept]
    assert places == sorted(places)
    assert sum(len(one.orders) for one in kept) == sum(
        order * confidence >= least for one in measures for order, confidence in one
    )
    for one in kept:
        assert len(split_sentences(one.text)) == len(one.orders) == len(one.confidences)
    assert all(value >= least for value in trust(kept).values())
