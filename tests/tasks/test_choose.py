"""What a summary may tell: notes and the book's own sentences in one line, by what they matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.store.book_memory import Note
from infini_cli.tasks.choose import (
    NARRATOR_BONUS,
    NOTE_BONUS,
    WORDS_PER_STRETCH,
    Candidate,
    choose,
    choose_notes,
)
from infini_cli.tasks.parts import Part
from infini_cli.tasks.salience import Salience
from tests.tokens.build import build_book

LINES = [
    "Mara carried the brass lamp down to the harbour of Orl.",
    "Onions cost a penny more than they had cost before.",
    "The pilot sold the stolen lamp to a merchant of salt.",
    "Nothing at all was written about winter in the ledger.",
]
BOOK = build_book([["# One", *LINES[:2]], ["# Two", *LINES[2:]]])
VALUES = (1.0, 0.0, 3.0, 0.5)


def notes(*texts: str, values: tuple[float, ...] = VALUES) -> list[Note]:
    """Make a note on each chapter, with what was measured there."""
    places = [one.place[0] for one in sentences_of(BOOK.kept_chapters)]
    middle, end = BOOK.chapters[1].blocks[0].start, len(BOOK.text)
    spans, measures = [(0, middle), (middle, end)], [values[:2], values[2:]]
    return [
        Note(
            k,
            str(k + 1),
            "",
            text,
            1.0,
            *spans[k],
            places=tuple(places[2 * k : 2 * k + 2]),
            saliences=measures[k],
        )
        for k, text in enumerate(texts)
    ]


def parts(found: list[Note]) -> list[Part]:
    return [Part(note.text, note=note) for note in found if note.text]


def texts(candidates: tuple[Candidate, ...]) -> list[str]:
    found = []
    for one in candidates:
        if one.sentence is not None:
            found.append(one.sentence.text)
        else:
            assert one.part is not None
            found.append(f"note: {one.part.text}")
    return found


TELLS = "Mara carries the lamp of brass down to the harbour."


def test_what_matters_most_comes_first() -> None:
    salience = Salience(BOOK, notes("", ""))
    found = choose([], salience, WORDS_PER_STRETCH)
    assert texts(found.candidates) == [LINES[2], LINES[0], LINES[3], LINES[1]]
    assert found.num_words == sum(len(line.split()) for line in LINES)


def test_a_note_comes_before_what_it_tells() -> None:
    made = notes(TELLS, "")
    found = choose(parts(made), Salience(BOOK, made), WORDS_PER_STRETCH).candidates
    order = texts(found)
    assert order.index(f"note: {TELLS}") == order.index(LINES[0]) - 1
    (note,) = [one for one in found if one.part is not None]
    (own,) = [one for one in found if one.sentence is not None and one.index == 0]
    assert note.index == 0
    assert note.value == pytest.approx(own.value + NOTE_BONUS)


def test_a_longer_summary_is_from_everywhere_first() -> None:
    salience = Salience(BOOK, notes("", "", values=(1.0, 0.0, 3.0, 2.0)))
    short, long = (choose([], salience, n * WORDS_PER_STRETCH).candidates for n in (1, 2))
    assert texts(short) == [LINES[2], LINES[3], LINES[0], LINES[1]]
    assert texts(long) == [LINES[2], LINES[0], LINES[3], LINES[1]]


def test_what_a_narrator_tells_of_himself_comes_first() -> None:
    own = "Alone I carried the lamp of brass down to the harbour. " * 12
    other = "Mara sold the ledger of the harbour in winter."
    book = build_book([["# One", own, other]])
    note = Note(0, "1", "", "The narrator carries the lamp of brass alone.", 1.0, 0, len(book.text))
    salience = Salience(book, [note])
    assert salience.narrated == frozenset(range(12))
    salience.values = np.zeros(13)
    first, *others = choose(parts([note]), salience, WORDS_PER_STRETCH).candidates
    assert first.part is not None
    assert first.value == NOTE_BONUS + NARRATOR_BONUS
    assert [one.value for one in others] == [NARRATOR_BONUS] * 12 + [0.0]
    # Who asks for something is told of that.
    asked = choose([], salience, 400, question="Who sold the ledger in winter?").candidates
    assert asked[0].index == 12
    assert {one.value for one in asked[2:]} == {0.0}


def test_a_question_draws_what_shares_its_words() -> None:
    made = notes(TELLS, "", values=(1.0, 1.0, 1.0, 1.0))
    salience = Salience(BOOK, made)
    found = texts(choose(parts(made), salience, 400, question="What did onions cost?").candidates)
    assert found[0] == LINES[1]
    # A neighbour counts by half: what is asked often stands beside what tells of it.
    beside = texts(choose([], salience, 400, question="What of the ledger in winter?").candidates)
    assert beside.index(LINES[2]) < beside.index(LINES[0])


def test_of_a_question_that_shares_nothing_the_book_is_not_quoted() -> None:
    made = notes(TELLS, "")
    found = choose(parts(made), Salience(BOOK, made), 400, question="Dragons?")
    assert texts(found.candidates) == [f"note: {TELLS}"]


def test_a_part_of_the_book_is_told_alone() -> None:
    second = BOOK.chapters[1]
    span = (second.blocks[0].start, second.blocks[-1].end)
    found = choose([], Salience(BOOK, notes("", "")), 400, within=[span])
    assert texts(found.candidates) == [LINES[2], LINES[3]]
    assert found.num_words == sum(len(line.split()) for line in LINES[2:])


def test_sentences_that_tell_nothing_are_left_out_where_there_are_better() -> None:
    leaning, short = "He laughs at the lamp of the old harbour.", "The lamp is brass."
    voice = "We sold our lamp to a merchant of salt."

    def told(text: str) -> list[str]:
        made = notes(text, "")
        candidates = choose(parts(made), Salience(BOOK, made), 400, quote=False).candidates
        return texts(candidates)

    assert told(f"{leaning} {short} {voice} {TELLS}") == [f"note: {TELLS}"]
    assert told(short) == [f"note: {short}"]


def test_notes_alone_are_given_in_the_order_of_the_book() -> None:
    made = notes(TELLS, "The pilot sells the stolen lamp to a merchant.")
    salience = Salience(BOOK, made)
    found = choose_notes(parts(made), salience, 18)
    assert [part.text for part in found] == [TELLS, made[1].text]
    assert [part.text for part in choose_notes(parts(made), salience, 5)] == [made[1].text]
    assert choose_notes([], salience, 100) == []


def test_without_sentences_notes_are_still_told() -> None:
    empty = build_book([["# One"]])
    note = replace(notes(TELLS, "")[0], places=(), saliences=())
    found = choose([Part(TELLS, note=note)], Salience(empty, []), 100)
    assert texts(found.candidates) == [f"note: {TELLS}"]
    assert found.num_words == 0


@given(
    st.lists(st.text(st.sampled_from("aeblt .H"), max_size=40), min_size=2, max_size=2),
    st.integers(1, 400),
    st.one_of(st.none(), st.text(st.sampled_from("aeblt lamp"), max_size=20)),
)
def test_whatever_the_notes_what_is_chosen_is_theirs_or_the_books(
    written: list[str], words: int, question: str | None
) -> None:
    made = notes(*written)
    found = choose(parts(made), Salience(BOOK, made), words, question=question).candidates
    for one in found:
        if one.part is not None:
            (note,) = one.part.notes
            assert one.part.text in " ".join(note.text.split())
        else:
            assert one.sentence is not None
            assert one.sentence.text in LINES
