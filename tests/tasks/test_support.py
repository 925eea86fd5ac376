"""What a text says that its source does not."""

from __future__ import annotations

import pytest

from infini_cli.tasks.passages import stems
from infini_cli.tasks.support import MIN_SUPPORT, keep_supported, support

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
    assert keep_supported(text, SOURCE) == "Nerrin breaks the seal. The tolm is light."


def test_where_none_is_borne_the_best_stays() -> None:
    text = "Pirates rob the bank. Pirates rob the seal of Nerrin."
    assert keep_supported(text, SOURCE) == "Pirates rob the seal of Nerrin."
    assert MIN_SUPPORT > 0.5


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_stays_nothing(text: str) -> None:
    assert keep_supported(text, SOURCE) == text
