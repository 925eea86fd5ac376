"""How much sentences matter: as the model measured it, or TextRank; and where notes are from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.store.book_memory import Note
from infini_cli.tasks.salience import Salience
from tests.tokens.build import build_book

STORY = build_book(
    [
        ["# One", "Mara lit the brass lamp. The pilot lit the lamp too. Onions are cheap."],
        ["# Two", "Rain fell on the harbour. Mara sold the brass lamp."],
    ]
)
SENTENCES = sentences_of(STORY.kept_chapters)
NUMBERS = (0.1, 0.4, 0.2, 0.9, 0.3)


def measured(*values: float) -> list[Note]:
    """Make notes on both chapters with what was measured in them."""
    places = [one.place[0] for one in SENTENCES]
    middle, end = STORY.chapters[1].blocks[0].start, len(STORY.text)
    first = sum(place < middle for place in places)
    return [
        Note(
            0,
            "1",
            "One",
            "A.",
            1.0,
            0,
            middle,
            places=tuple(places[:first]),
            saliences=values[:first],
        ),
        Note(
            1,
            "2",
            "Two",
            "B.",
            1.0,
            middle,
            end,
            places=tuple(places[first : len(values)]),
            saliences=values[first:],
        ),
    ]


def test_what_was_measured_counts() -> None:
    found = Salience(STORY, measured(*NUMBERS))
    assert [one.text for one in found.sentences] == [one.text for one in SENTENCES]
    assert np.argsort(found.values).tolist() == np.argsort(NUMBERS).tolist()
    assert found.values.mean() == pytest.approx(0)
    assert found.values.std() == pytest.approx(1)


def test_a_sentence_that_was_not_measured_matters_least() -> None:
    values = Salience(STORY, measured(*NUMBERS[:4])).values
    assert values[4] == values.min() == values[0]


def test_a_memory_that_says_odd_things_does_no_harm() -> None:
    first, second = measured(*NUMBERS)
    odd = [
        replace(first, saliences=(0.1, float("nan"))),
        replace(second, saliences=(1e308, -1e308)),
    ]
    values = Salience(STORY, odd).values
    assert np.isfinite(values).all()


def test_parts_of_the_book_have_their_sentences() -> None:
    found = Salience(STORY, [])
    second = STORY.chapters[1]
    span = (second.blocks[0].start, second.blocks[-1].end)
    assert found.inside([span]) == [3, 4]
    assert found.inside([span, (0, len(STORY.text)), span]) == found.inside(None) == [0, 1, 2, 3, 4]
    assert found.inside([(0, 1)]) == []


def test_without_measures_textrank_tells() -> None:
    values = Salience(STORY, []).values
    # The lamp is in three sentences, onions and rain in one.
    assert min(values[0], values[1], values[4]) > max(values[2], values[3])


def test_measures_that_are_all_the_same_are_no_order() -> None:
    assert Salience(STORY, measured(*[0.5] * 5)).values.tolist() == [0.0] * 5


def test_a_note_is_from_where_its_words_are() -> None:
    first, second = measured(*NUMBERS)
    found = Salience(STORY, [first, second])
    origin = found.origin("Mara sells her brass lamp.", second)
    assert origin is not None
    assert SENTENCES[origin.index].text == "Mara sold the brass lamp."
    assert origin.value == pytest.approx(found.values[4])
    both = found.origin("Rain falls on the harbour and Mara sells the lamp.", second)
    assert both is not None
    assert SENTENCES[both.index].text == "Rain fell on the harbour."
    assert found.values[4] < both.value < found.values[3]
    # The same words, but the note is on the other chapter.
    other = found.origin("Mara sells her brass lamp.", first)
    assert other is not None
    assert SENTENCES[other.index].text == "Mara lit the brass lamp."


def test_nothing_is_from_where_nothing_stands() -> None:
    found = Salience(STORY, [])
    assert found.origin("Mara.", Note(0, "1", "One", "Mara.")) is None
    unlike = found.origin("Zebras graze.", measured(*NUMBERS)[1])
    assert unlike is not None
    assert unlike.value == pytest.approx(found.values[3:].mean())


def test_a_book_without_sentences_has_no_values() -> None:
    assert len(Salience(build_book([["# One"]]), []).values) == 0
