"""What earlier texts told is asked for again, while the memory of it is carried on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infini_cli.evaluation.haystack import Prompt
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.prompts import Sources, asked
from infini_cli.training.recall import with_recalls
from infini_cli.training.recipe import SamplesRecipe, TasksRecipe
from infini_cli.training.samples import MAX_AGE, Sampler
from tests.tasks.conftest import tiny_folder as tiny_folder
from tests.tasks.tiny import open_tiny

ASKED = re.compile(r"What is the pass key(?: of (\w+))?\? The pass key(?: of \w+)? is (\d{5})")


@pytest.fixture
def tokenizer(tiny_folder: Path) -> Tokenizer:
    return open_tiny(tiny_folder).tokenizer


def prompt(tokenizer: Tokenizer, **facts: str) -> Prompt:
    key = next(iter(facts.values()))
    told = tuple((name if name != "nameless" else "", key) for name, key in facts.items())
    return Prompt((), (1, 2), tuple(tokenizer.encode(key)), (), told)


def recalled(tokenizer: Tokenizer, row: Prompt) -> list[tuple[str, str]]:
    text = tokenizer.decode([id for pair in row.further for part in pair for id in part])
    return ASKED.findall(text)


def test_the_oldest_is_asked_for_first_and_what_was_told_again_as_it_was_told_last(
    tokenizer: Tokenizer,
) -> None:
    now = prompt(tokenizer, A="10001", B="10002")
    before = [prompt(tokenizer, C="10003", D="10004"), prompt(tokenizer, A="1", C="2", E="10005")]
    (row,) = with_recalls([now], [[step] for step in before], tokenizer, 9)
    assert recalled(tokenizer, row) == [("E", "10005"), ("C", "10003"), ("D", "10004")]
    assert row.context == now.context
    (row,) = with_recalls([now], [[step] for step in before], tokenizer, 1)
    assert recalled(tokenizer, row) == [("E", "10005")]
    assert with_recalls([now], [], tokenizer, 9) == [now]
    assert with_recalls([now], [[], []], tokenizer, 9) == [now]


def test_rows_are_asked_alike(tokenizer: Tokenizer) -> None:
    now = [prompt(tokenizer, A="10001", B="10002"), prompt(tokenizer, C="10003", D="10004")]
    before = [prompt(tokenizer, nameless="20001"), prompt(tokenizer, nameless="20002")]
    older = [prompt(tokenizer, E="30001", F="30002"), prompt(tokenizer, C="30003", G="30004")]
    rows = with_recalls(now, [before, older], tokenizer, 9)
    found = [recalled(tokenizer, row) for row in rows]
    assert found == [[("E", "30001"), ("", "20001")], [("G", "30004"), ("", "20002")]]
    assert len({len(asked(row)) for row in rows}) == 1
    # A nameless key that only one row still holds is asked of none.
    now[0] = prompt(tokenizer, nameless="40001")
    found = [recalled(tokenizer, row) for row in with_recalls(now, [before, older], tokenizer, 9)]
    assert found == [[("E", "30001")], [("G", "30004")]]


def test_a_sampler_asks_for_what_it_told_and_is_the_same_from_any_step(
    tokenizer: Tokenizer,
) -> None:
    recipe = SamplesRecipe((8, 9), (110, 120), num_facts=(1, 3), num_recalls=3, carry_share=0.7)
    sampler = Sampler(TasksRecipe(), recipe, Sources(tokenizer), 2, seed=4)
    told: list[list[dict[str, str]]] = []
    num_recalls = 0
    for step in range(40):
        batch = sampler.draw(step)
        if not batch.carries:
            told.clear()
        texts = [tokenizer.decode(ids) for ids in batch.ids_BS.tolist()]
        own = [
            dict(re.findall(r"The pass key(?: of (\w+))? is (\d{5})\. Remember", text))
            for text in texts
        ]
        for row, text in enumerate(texts):
            questions = ASKED.findall(text)
            for name, key in questions[1:]:
                assert name not in own[row]
                assert key == next(step[row][name] for step in reversed(told) if name in step[row])
            num_recalls += len(questions) - 1
        told = [*told, own][-MAX_AGE:]
        again = Sampler(TasksRecipe(), recipe, Sources(tokenizer), 2, seed=4).draw(step)
        assert again.ids_BS.equal(batch.ids_BS)
        assert sum(batch.segment_lengths) == batch.ids_BS.shape[1] - 1
    assert num_recalls > 40
