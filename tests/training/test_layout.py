"""Rows laid to their cuts: exactly as long as asked, facts whole, segments begin with sentences."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.evaluation.haystack import Haystack, RepeatedHaystack, TextHaystack
from infini_cli.tokens.sentence_ends import SentenceEnds
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.layout import SegmentLayout
from tests.tokens.fixtures import ends as ends
from tests.tokens.fixtures import tokenizer as tokenizer
from tests.training.train_tiny import TEXT


@pytest.fixture(scope="module", params=["filler", "text"])
def haystack(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> Haystack:
    if request.param == "filler":
        return RepeatedHaystack(tokenizer)
    return TextHaystack([TEXT], tokenizer)


@pytest.fixture(scope="module")
def facts(tokenizer: Tokenizer) -> list[list[int]]:
    return [tokenizer.encode(f" The key of {name} is {name}{name}.") for name in "XYZ"]


@given(
    length=st.integers(40, 200),
    num_tokens=st.integers(200, 900),
    depths=st.lists(st.floats(0, 1), max_size=3),
    before=st.integers(0, 60),
    num_repeated=st.integers(0, 4),
    seed=st.integers(0, 99),
)
def test_the_length_is_met_and_every_fact_stands_whole(
    length: int,
    num_tokens: int,
    depths: list[float],
    before: int,
    num_repeated: int,
    seed: int,
    tokenizer: Tokenizer,
    ends: SentenceEnds,
    haystack: Haystack,
    facts: list[list[int]],
) -> None:
    hidden = facts[: len(depths)]
    lay = SegmentLayout(length, ends, num_repeated)
    found = lay(hidden, depths, haystack, num_tokens, random.Random(seed), before)
    assert len(found) == num_tokens + sum(map(len, hidden))
    text = tokenizer.decode(found)
    for fact in hidden:
        assert tokenizer.decode(fact) in text


@pytest.mark.parametrize("num_repeated", [0, 4])
def test_segments_begin_with_sentences_and_do_not_divide_facts(
    num_repeated: int,
    tokenizer: Tokenizer,
    ends: SentenceEnds,
    haystack: Haystack,
    facts: list[list[int]],
) -> None:
    lay = SegmentLayout(100, ends, num_repeated)
    for seed in range(20):
        draw = random.Random(seed)
        depths = sorted(draw.random() * 0.9 for _ in facts)
        found = lay(facts, depths, haystack, 1000, draw, before=30)
        for cut in range(70, len(found), 100):
            assert found[cut : cut + num_repeated] == found[cut - num_repeated : cut]
            begun = tokenizer.decode(found[cut + num_repeated :]).lstrip()
            assert begun[0].isupper(), begun[:40]
        for fact in facts:
            (place,) = (
                place + 30
                for place in range(len(found))
                if found[place : place + len(fact)] == fact
            )
            assert place // 100 == (place + len(fact) - 1) // 100


def test_order_is_that_of_depths(
    tokenizer: Tokenizer, ends: SentenceEnds, facts: list[list[int]]
) -> None:
    filler = RepeatedHaystack(tokenizer)
    found = SegmentLayout(120, ends)(facts, [0.9, 0.1, 0.5], filler, 2000, random.Random(0))
    text = tokenizer.decode(found)
    places = [text.index(tokenizer.decode(fact)) for fact in facts]
    assert places[1] < places[2] < places[0]


def test_some_facts_stand_after_half_a_sentence(
    tokenizer: Tokenizer, ends: SentenceEnds, facts: list[list[int]]
) -> None:
    filler = RepeatedHaystack(tokenizer)
    broken = []
    for seed in range(40):
        found = SegmentLayout(400, ends, 4)(facts[:1], [0.4], filler, 600, random.Random(seed))
        text = tokenizer.decode(found)
        before = text[: text.index(tokenizer.decode(facts[0]))].rstrip()
        broken.append(not before.endswith("."))
        assert len(found) == 600 + len(facts[0])
    assert 3 <= sum(broken) <= 20
