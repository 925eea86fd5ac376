"""Leaving out what is likeliest to be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.store.book_memory import Note
from infini_cli.tasks import trust as module
from infini_cli.tasks.sentences import split_sentences
from infini_cli.tasks.trust import MIN_SENTENCES, WORST_SHARE, keep_trusted, trust

Measures = list[list[tuple[float, float]]]


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_SENTENCES", 1)


def note(index: int, *sentences: tuple[float, float], label: str = "1") -> Note:
    text = " ".join(f"Keeper {index} writes name {k}." for k in range(len(sentences)))
    return Note(
        index,
        label,
        "",
        text,
        supports=tuple(one for one, _ in sentences),
        confidences=tuple(one for _, one in sentences),
    )


def test_trust_is_the_mean_of_two_ranks() -> None:
    notes = [note(0, (0.7, 0.3), (1.0, 0.6)), note(1, (0.8, 0.9))]
    assert trust(notes) == {
        (0, "Keeper 0 writes name 0."): 0.0,
        (0, "Keeper 0 writes name 1."): 0.75,
        (1, "Keeper 1 writes name 0."): 0.75,
    }
    same = [note(n, (0.9, 0.5)) for n in range(3)]
    assert set(trust(same).values()) == {0.5}


def test_the_worst_go() -> None:
    notes = [note(n, (0.7 + n / 1000, 0.5)) for n in range(100)]
    kept = keep_trusted(notes)
    num_left_out = round(100 * WORST_SHARE)
    assert [note.segment for note in kept] == list(range(num_left_out, 100))


def test_of_a_note_its_better_sentences_stay_with_their_measures() -> None:
    notes = [note(0, (0.7, 0.3), (1.0, 0.6)), note(1, (0.9, 0.4)), note(2, (0.8, 0.9))]
    (first, *others) = keep_trusted(notes)
    assert first.text == "Keeper 0 writes name 1."
    assert (first.supports, first.confidences) == ((1.0,), (0.6,))
    assert others == notes[1:]


def test_by_chapter_every_chapter_keeps_its_best() -> None:
    notes = [note(n, (0.7, 0.3), (0.7 + n / 100, 0.3), label=str(n // 4)) for n in range(12)]
    notes += [note(n, (1.0, 0.9), label="9") for n in range(12, 90)]
    by_chapter = keep_trusted(notes, by_chapter=True)
    assert {one.chapter_label for one in by_chapter} == {"0", "1", "2", "9"}
    assert {one.chapter_label for one in keep_trusted(notes)} == {"9"}
    assert by_chapter[0].text == "Keeper 3 writes name 1."


@pytest.mark.parametrize("supports", [(), (1.0,), (1.0, 1.0, 1.0)])
def test_notes_without_measures_of_their_sentences_stay(supports: tuple[float, ...]) -> None:
    old = Note(0, "1", "", "It begins. It ends.", supports=supports, confidences=supports)
    assert trust([old]) == {}
    assert keep_trusted([old]) == [old]
    kept = keep_trusted([old, note(1, (0.7, 0.1), (0.9, 0.9))])
    assert [one.text for one in kept] == [old.text, "Keeper 1 writes name 1."]


def test_of_a_few_sentences_none_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    few = [note(n, (0.7 + n / 100, 0.5)) for n in range(MIN_SENTENCES - 1)]
    assert keep_trusted(few) == few
    assert len(keep_trusted([*few, note(MIN_SENTENCES, (0.9, 0.5))])) < MIN_SENTENCES


def test_nothing_gives_nothing() -> None:
    assert keep_trusted([]) == []


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=3), max_size=12
    )
)
def test_what_stays_is_in_order_and_most_of_it(measures: Measures) -> None:
    notes = [note(index, *sentences) for index, sentences in enumerate(measures)]
    kept = keep_trusted(notes)
    places = [note.segment for note in kept]
    assert places == sorted(places)
    num_sentences = sum(map(len, measures))
    assert sum(len(one.supports) for one in kept) >= (1 - WORST_SHARE) * num_sentences - 1
    for one in kept:
        assert len(split_sentences(one.text)) == len(one.supports) == len(one.confidences)
