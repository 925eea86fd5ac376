"""Cuts of ids: never too long, nothing lost, at sentences' ends where there are any."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infini_cli.tokens.sentence_ends import REACH, SentenceEnds
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.fixtures import ends as ends
from tests.tokens.fixtures import tokenizer as tokenizer

TEXT = (
    "The grass is green. Here we go! And 3.5 more? \u201cYes.\u201d He left.\n\nA new day came.\n"
)


def test_sentences_end_before_a_blank_and_nowhere_else(
    tokenizer: Tokenizer, ends: SentenceEnds
) -> None:
    ids = tokenizer.encode(TEXT)
    found = [
        tokenizer.decode(ids[:place]) for place in range(1, len(ids)) if ends.is_end(ids, place)
    ]
    assert any(text.endswith("green.") for text in found)
    assert any(text.endswith("go!") for text in found)
    assert any(text.endswith("left.") for text in found)
    assert not any(text.endswith("3.") for text in found)
    assert ends.is_end(ids, len(ids))


def test_parts_end_with_sentences(tokenizer: Tokenizer, ends: SentenceEnds) -> None:
    ids = tokenizer.encode("The sun is yellow. " * 20)
    cuts = ends.cut(ids, 100)
    assert cuts
    assert all(tokenizer.decode(ids[:cut]).endswith("yellow.") for cut in cuts)


def test_the_next_sentence(tokenizer: Tokenizer, ends: SentenceEnds) -> None:
    ids = tokenizer.encode("One. Two. Three")
    assert ends.next_sentence(ids, 0) == 0
    assert tokenizer.decode(ids[ends.next_sentence(ids, 2) :]) == " Two. Three"
    assert tokenizer.decode(ids[ends.next_sentence(ids, 4) :]) == " Two. Three"
    assert ends.next_sentence(ids, 10) == len(ids)


@given(text=st.text(alphabet="ab .!\n\u201d", max_size=300), most=st.integers(1, 60))
def test_nothing_is_lost_and_nothing_too_long(
    text: str, most: int, tokenizer: Tokenizer, ends: SentenceEnds
) -> None:
    ids = tokenizer.encode(text)
    bounds = [0, *ends.cut(ids, most), len(ids)]
    lengths = [b - a for a, b in pairwise(bounds)]
    assert sum(lengths) == len(ids)
    assert all(length <= most for length in lengths)
    assert all(length > most - most // REACH - 1 for length in lengths[:-1])
