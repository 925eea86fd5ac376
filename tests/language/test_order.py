"""How far a sentence keeps the words of a text in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.grounding.support import Source
from infini_cli.language.order import order

WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("pia sells nerrin bell", "pia then sells old nerrin a bell", 1.0),
        ("nerrin sells pia bell", "pia then sells old nerrin a bell", 0.5),
        ("bell nerrin sells pia", "pia then sells old nerrin a bell", 0.25),
        ("sun moon", "pia sells", 0.0),
        ("", "pia sells", 0.0),
        ("pia pia", "pia", 0.5),
    ],
)
def test_the_share_that_stands_in_the_same_order(words: str, text: str, expected: float) -> None:
    assert order(words.split(), text.split()) == expected


@given(WORDS, WORDS)
def test_it_is_that_of_trying_every_choice(words: list[str], text: list[str]) -> None:
    def is_part(chosen: list[str]) -> bool:
        rest = iter(text)
        return all(word in rest for word in chosen)

    choices = [[w for k, w in enumerate(words) if n >> k & 1] for n in range(1 << len(words))]
    longest = max(len(chosen) for chosen in choices if is_part(chosen))
    assert order(words, text) == (longest / len(words) if words else 0.0)


def test_of_a_source_two_neighbouring_sentences_are_one_place() -> None:
    text = "Pia sells a bell. Nerrin laughs.\n\nIt rains. Orlo sleeps."
    source = Source(text, 2)

    def place(sentence: str) -> tuple[float, str]:
        share, (start, end) = source.place(sentence)
        return share, text[start:end]

    both = "Pia sells a bell. Nerrin laughs."
    assert place("Pia sells a bell and Nerrin laughs.") == (1.0, both)
    assert place("Nerrin laughs and Pia sells a bell.")[0] < 1.0
    assert place("Nerrin laughs and it rains.") == (1.0, "Nerrin laughs.\n\nIt rains.")
    assert place("Pia sells a bell and Orlo sleeps.") == (0.6, "Pia sells a bell.")
    assert place("Orlo sleeps.") == (1.0, "Orlo sleeps.")
    assert Source("", 2).place("Pia sells.") == (0.0, (0, 0))
