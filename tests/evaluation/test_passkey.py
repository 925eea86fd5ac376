"""Prompts: the right length, the fact where it should be, the answer after the question."""

from __future__ import annotations

import random
from collections import Counter
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.models import OptionInfo

from infini_cli.commands.eval_options import Facts
from infini_cli.errors import UsageError
from infini_cli.evaluation.haystack import Haystack, Prompt, RepeatedHaystack, TextHaystack
from infini_cli.evaluation.passkey import NAMES, KeySplit, make_prompt
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.fixtures import tokenizer as tokenizer

TEXT = "\n\n".join(f"Paragraph {number} tells of the sea and the boat." for number in range(40))


def haystacks(tokenizer: Tokenizer) -> dict[str, Haystack]:
    return {
        "repeated": RepeatedHaystack(tokenizer),
        "text": TextHaystack([TEXT, "Another text.\n\n\n\nIt is short."], tokenizer),
    }


def prompt(
    tokenizer: Tokenizer, kind: str, length: int, depth: float, facts: int = 1, seed: int = 0
) -> Prompt:
    return make_prompt(
        tokenizer,
        haystacks(tokenizer)[kind],
        length=length,
        depth=depth,
        num_facts=facts,
        draw=random.Random(seed),
    )


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["repeated", "text"]),
    length=st.integers(1000, 4000),
    depth=st.floats(0, 1),
    facts=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_a_prompt_is_as_long_as_asked_and_holds_its_key(
    tokenizer: Tokenizer, kind: str, length: int, depth: float, facts: int, seed: int
) -> None:
    made = prompt(tokenizer, kind, length, depth, facts, seed)
    assert made.num_tokens == length
    context = tokenizer.decode(list(made.context))
    # The tiny tokenizer joins a blank with some digits.
    key = tokenizer.decode(list(made.answer)).strip()
    assert len(key) == 5
    assert key.isdecimal()
    assert context.count(f"is {key}.") == 1
    assert context.count("Remember it.") == facts
    question = tokenizer.decode(list(made.question))
    assert question.startswith(" What is the pass key")
    assert key not in question
    assert KeySplit.HELD_OUT.holds(int(key))
    if facts > 1:
        name = question.split("?")[0].split()[-1]
        assert f"The pass key of {name} is {key}." in context
    assert made == prompt(tokenizer, kind, length, depth, facts, seed)


@pytest.mark.parametrize("kind", ["repeated", "text"])
@pytest.mark.parametrize("depth", [0.0, 0.25, 0.5, 1.0])
def test_the_fact_stands_at_its_depth(tokenizer: Tokenizer, kind: str, depth: float) -> None:
    context = tokenizer.decode(list(prompt(tokenizer, kind, 6000, depth).context))
    haystack = context.index("information there.") + len("information there.")
    place = context.index(" The pass key is") - haystack
    end = context.index("is the pass key.") + len("is the pass key.")
    assert place / (len(context) - haystack - (end - place)) == pytest.approx(depth, abs=0.06)


def test_other_seeds_hide_other_keys(tokenizer: Tokenizer) -> None:
    assert len({prompt(tokenizer, "text", 1000, 0.5, seed=seed).answer for seed in range(20)}) > 15


def test_a_tenth_of_the_keys_is_held_out_whatever_their_digits() -> None:
    held_out = [key for key in range(10_000, 100_000) if KeySplit.HELD_OUT.holds(key)]
    assert 8_500 < len(held_out) < 9_500
    assert not any(KeySplit.TRAINING.holds(key) for key in held_out)
    assert all(
        KeySplit.TRAINING.holds(key) or key in set(held_out) for key in range(10_000, 10_500)
    )
    for place in range(5):
        counts = Counter(str(key)[place] for key in held_out)
        assert max(counts.values()) < 1.2 * min(counts.values())


def test_what_cannot_be_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(UsageError, match="no room") as caught:
        prompt(tokenizer, "repeated", 50, 0.5)
    assert caught.value.hint is not None
    least = int(caught.value.hint.split()[1].replace(",", ""))
    assert prompt(tokenizer, "repeated", least, 0.5).num_tokens == least
    with pytest.raises(UsageError, match="between 1 and 26"):
        prompt(tokenizer, "repeated", 5000, 0.5, facts=len(NAMES) + 1)
    # The command refuses as many before it loads a model.
    (option,) = (one for one in get_args(Facts)[1:] if isinstance(one, OptionInfo))
    assert option.max == len(NAMES)
    with pytest.raises(UsageError, match="holds no text"):
        TextHaystack(["  \n\n "], tokenizer)
