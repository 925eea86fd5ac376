"""What is measured of a summary: ROUGE by its package, and the project's own figures."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.errors import UsageError
from infini_cli.evaluation.summary_measures import (
    measure_summary,
    open_rouge,
    open_source,
    support_rate,
)
from tests.tokens.build import build_book

BOOK = build_book(
    [
        ["The keeper lit the lamp. The ship came in at dawn.", "Her brother slept in the boat."],
        ["The harbour froze in winter. Nobody wrote a letter."],
    ]
)
SOURCE = open_source(BOOK)
ROUGE = open_rouge()
VOCABULARY = ("the", "keeper", "lit", "lamps", "ships", "came", "dawn", ".", "!")
WORDS = st.lists(st.sampled_from(VOCABULARY)).map(" ".join)
SHARES = ("rouge1", "rouge2", "rougeL", "support", "repetition", "novelty")


def test_rouge_by_hand() -> None:
    """Of `a b c d` and `a c b e`, all words stemmed alike: 3 of 4, no pair, and `a b` in order."""
    found = ROUGE("alpha beta gamma delta", ["alpha gamma beta epsilon"])
    assert found == {"rouge1": 0.75, "rouge2": 0.0, "rougeL": 0.5}
    same = ROUGE("The keepers lit lamps.", ["the keeper lit lamp"])
    assert same == pytest.approx(dict.fromkeys(("rouge1", "rouge2", "rougeL"), 1.0))
    half = ROUGE("alpha beta", ["alpha beta gamma delta"])
    assert half["rouge1"] == pytest.approx(2 / 3)
    assert half["rouge2"] == pytest.approx(0.5)


def test_each_type_takes_the_reference_that_fits_it_best() -> None:
    text = "alpha beta gamma delta"
    scattered, pair = "delta gamma beta alpha", "alpha beta epsilon zeta eta theta"
    both = ROUGE(text, [scattered, pair])
    assert both["rouge1"] == ROUGE(text, [scattered])["rouge1"] == 1.0
    assert both["rouge2"] == ROUGE(text, [pair])["rouge2"] > ROUGE(text, [scattered])["rouge2"]


def test_lines_do_not_matter_to_rouge_l() -> None:
    """It is `rougeL` and not `rougeLsum`, which would count each line by itself."""
    reference = "the keeper lit the lamp\nthe ship came in at dawn"
    text = "the ship came in at dawn\nthe keeper lit the lamp"
    found = ROUGE(text, [reference])
    assert found == ROUGE(text.replace("\n", " "), [reference.replace("\n", " ")])
    assert found["rougeL"] < 1


@settings(max_examples=60, deadline=None)
@given(text=WORDS, references=st.lists(WORDS, min_size=1, max_size=3), words=st.integers(1, 50))
def test_figures_are_shares(text: str, references: list[str], words: int) -> None:
    found = measure_summary(text, references, SOURCE, words, ROUGE)
    assert all(0 <= found[name] <= 1 + 1e-9 for name in SHARES if name in found)
    assert found["length_error"] == abs(len(text.split()) - words) / words
    assert ("support" in found) == bool(text.strip())
    # More references never make a summary worse.
    fewer = ROUGE(text, references[:1])
    assert all(found[name] >= fewer[name] - 1e-12 for name in fewer)


def test_what_an_extract_and_an_invention_show() -> None:
    extract = "The ship came in at dawn. The harbour froze in winter."
    found = measure_summary(extract, ["A ship."], SOURCE, 10, ROUGE)
    assert (found["support"], found["repetition"], found["novelty"]) == (1.0, 0.0, 0.0)
    assert found["length_error"] == pytest.approx(0.1)
    invented = "Pirates stole the golden compass. The ship came in at dawn."
    found = measure_summary(invented, ["A ship."], SOURCE, 10, ROUGE)
    assert found["support"] == 0.5
    # All three runs of the first sentence are new, none of the four of the second.
    assert found["novelty"] == pytest.approx(3 / 7)
    loop = "The keeper lit the lamp. " * 4
    assert measure_summary(loop, ["A lamp."], SOURCE, 10, ROUGE)["repetition"] == 0.75
    empty = measure_summary("", ["A lamp."], SOURCE, 10, ROUGE)
    assert empty == {**dict.fromkeys(SHARES[:3], 0.0), "length_error": 1.0}


def test_words_from_all_over_a_book_support_nothing() -> None:
    """Each word stands somewhere in the book, but no six passages hold them together."""
    names = [f"name{number}" for number in range(40)]
    book = build_book([[f"{name} stayed at home. " + "Rain fell. " * 60] for name in names])
    passages = open_source(book).passages
    assert support_rate([f"{names[3]} stayed at home."], passages) == 1.0
    assert support_rate([" ".join(names[::2])], passages) == 0.0


def test_without_rouge_score_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = {"rouge_score": None, "rouge_score.rouge_scorer": None}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(UsageError, match="needs rouge-score") as caught:
        open_rouge()
    assert caught.value.hint == "pip install 'infini-cli[eval]'"
