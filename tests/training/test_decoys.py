"""Decoys: what looks like a fact, strewn over plain text and marked where it seems to tell."""

from __future__ import annotations

import random
import re
from collections.abc import Collection

import torch

from infini_cli.evaluation.babilong import Story
from infini_cli.evaluation.passkey import KeySplit
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.decoys import MOVES, STRANGERS, TOKENS_PER_DECOY, Decoys
from infini_cli.training.prompts import Sources
from tests.tokens.fixtures import tokenizer as tokenizer

STORY = Story(("Emma went to the attic.",), "Where is Emma?", "attic", (), lambda _: "Emma")
BLANK = 5


def strewn(tokenizer: Tokenizer, tasks: Collection[str], seed: int = 0) -> list[tuple[str, str]]:
    """Give the text of each decoy that was strewn over blanks, and what is marked of it."""
    row_S = torch.full((40 * TOKENS_PER_DECOY + 7,), BLANK)
    decoys = Decoys(tasks, Sources(tokenizer, stories=(STORY,)))
    marks = decoys.strew(row_S, random.Random(seed))
    found = []
    for start in range(0, len(row_S), TOKENS_PER_DECOY):
        ids = row_S[start : start + TOKENS_PER_DECOY].tolist()
        of_this = [mark for mark in marks if start <= mark.place < start + TOKENS_PER_DECOY]
        if any(id != BLANK for id in ids):
            assert [mark.part for mark in of_this] == list(range(len(of_this)))
            text = tokenizer.decode([id for id in ids if id != BLANK])
            telling = tokenizer.decode([int(row_S[mark.place]) for mark in of_this])
            found.append((text, telling))
        else:
            assert not of_this
    return found


def test_numbers_are_keys_of_training(tokenizer: Tokenizer) -> None:
    found = strewn(tokenizer, ["passkey"])
    assert len(found) == 40
    for text, telling in found:
        assert re.fullmatch(r"\d{5}", telling.strip())
        assert text.strip() == telling.strip()
        assert KeySplit.TRAINING.holds(int(telling))


def test_errands_are_those_of_strangers(tokenizer: Tokenizer) -> None:
    assert "Emma" in STRANGERS
    found = [one for seed in range(8) for one in strewn(tokenizer, ["babilong"], seed)]
    assert len(found) > 100
    assert not any("Emma" in text for text, _ in found)
    assert any(telling.strip() == "attic" for _, telling in found)
    for text, telling in found:
        assert text.endswith(f" the {telling.strip()}.")
        assert any(goes in text for goes in MOVES)


def test_both_kinds_come_and_none_where_nothing_is_like_them(tokenizer: Tokenizer) -> None:
    both = strewn(tokenizer, ["passkey", "babilong"])
    assert 5 < sum(text.strip().isdigit() for text, _ in both) < len(both)
    assert strewn(tokenizer, ["next_token"]) == []
