"""What is measured of an answer, and of the passages that a search finds for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.evaluation.answer_measures import (
    EvidenceSearch,
    exact_match,
    holds_answer,
    measure_answer,
    normalized_words,
    token_f1,
)
from tests.tokens.build import build_book

ANSWERS = st.lists(
    st.sampled_from(["the", "a", "keeper,", "Keeper", "lamp", "1,830", "dawn!", "(dawn)", "it's"])
).map(" ".join)


def test_answers_are_compared_as_squad_does() -> None:
    assert normalized_words('  The "Keeper", an  old man!') == ["keeper", "old", "man"]
    assert exact_match("The keeper.", "keeper")
    assert not exact_match("the keepers", "keeper")
    assert token_f1("the old keeper", "keeper of lamps") == pytest.approx(2 / 5)
    assert token_f1("lamp lamp", "lamp") == pytest.approx(2 / 3)
    assert token_f1("the", "a") == 1.0
    assert token_f1("the", "keeper") == 0.0


@pytest.mark.parametrize(
    ("given_answer", "expected", "holds"),
    [
        ("It was the old keeper.", "the old keeper", True),
        ("It was Keeper, old and grey", "keeper old", True),
        ("It cost 1,830 lenz.", "1830", True),
        ("The keepers", "keeper", False),
        ("keeper", "the old keeper", False),
        ("anything", "?", False),
        ("", "keeper", False),
    ],
)
def test_an_answer_may_say_more(given_answer: str, expected: str, holds: bool) -> None:
    assert holds_answer(given_answer, expected) is holds


@settings(deadline=None)
@given(one=ANSWERS, other=ANSWERS)
def test_measures_agree_with_each_other(one: str, other: str) -> None:
    score = token_f1(one, other)
    assert 0 <= score <= 1
    assert score == token_f1(other, one)
    assert token_f1(one, one) == 1.0
    if exact_match(one, other):
        assert score == 1.0
    if normalized_words(other) and holds_answer(one, other):
        assert score > 0
        assert holds_answer(f"well {one} then", other)


def test_the_best_of_several_answers_counts() -> None:
    found = measure_answer("the old keeper", ["a keeper", "old keeper"])
    assert found == {"accuracy": 1.0, "exact_match": 1.0, "f1": 1.0, "declined": 0.0}
    assert measure_answer(None, ["keeper"]) == {
        "accuracy": 0.0,
        "exact_match": 0.0,
        "f1": 0.0,
        "declined": 1.0,
    }
    assert measure_answer(None, []) == {"declined_unanswerable": 1.0}
    assert measure_answer("a keeper", []) == {"declined_unanswerable": 0.0}


PAD = "Rain fell on the harbour and nobody was out. " * 12
BOOK = build_book(
    [
        ["Nerrin carried the box of weights.", PAD, "Nerrin sold the box.", PAD],
        ["The number eight was burned into the wood below the catch.", PAD],
    ]
)


def test_evidence_is_found_among_the_passages() -> None:
    search = EvidenceSearch(BOOK)
    found = search.recall(
        "What number was burned into the wood?", ["The number eight\nwas  burned into the wood"]
    )
    assert found == {"evidence_1": 1.0, "evidence_3": 1.0, "evidence_6": 1.0}
    # It lies elsewhere than the words of the question.
    found = search.recall("Who sold the box?", ["number eight was burned"])
    assert found == {"evidence_1": 0.0, "evidence_3": 0.0, "evidence_6": 0.0}
    # Half of the evidence, and what the book does not hold is not asked for.
    pieces = ["number eight was burned", "Nerrin sold the box", "no such words"]
    found = search.recall("What number was burned below the catch?", pieces)
    assert found["evidence_1"] == 0.5
    assert search.recall("Who?", ["no such words", ""]) == {}
    assert search.recall("Who?", []) == {}


def test_evidence_may_be_longer_than_a_passage() -> None:
    section = "Nerrin carried the box of weights.\n\n" + PAD + "\n\nNerrin sold the box."
    found = EvidenceSearch(BOOK).recall("Who carried the weights?", [section])
    assert found["evidence_1"] == 1.0
