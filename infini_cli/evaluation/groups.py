"""Prompts of one kind: pass keys of a length at a depth, a task of bAbI in texts of a length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infini_cli.evaluation import babilong, passkey
from infini_cli.evaluation.haystack import Haystack, Prompt
from infini_cli.evaluation.ledger import hash_ids
from infini_cli.tokens.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts of one kind.

    Attributes:
        task: what is asked, such as `passkey`.
        length: tokens of each prompt.
        depth: where the fact stands, 0 to 1; None: anywhere.
        prompts: at least one.
    """

    task: str
    length: int
    depth: float | None
    prompts: Sequence[Prompt]

    @property
    def sha256(self) -> str:
        """Hash of all that is read, asked and expected."""
        return hash_ids(
            ids
            for prompt in self.prompts
            for ids in (prompt.context, prompt.question, prompt.answer)
        )


def passkey_groups(
    tokenizer: Tokenizer,
    haystack: Haystack,
    *,
    lengths: Sequence[int],
    depths: Sequence[float],
    num_samples: int,
    num_facts: int,
    seed: int,
) -> Iterator[Group]:
    """Make the prompts of every length and depth, the shortest first.

    Raises:
        UsageError: a length leaves no room for the facts.
    """
    for length in sorted(lengths):
        for depth in depths:
            prompts = [
                passkey.make_prompt(
                    tokenizer,
                    haystack,
                    length=length,
                    depth=depth,
                    num_facts=num_facts,
                    # A cell's prompts do not depend on which other cells are measured.
                    draw=random.Random(f"{seed} {length} {depth} {num_facts} {sample}"),
                )
                for sample in range(num_samples)
            ]
            yield Group("passkey", length, depth, prompts)


def babilong_groups(
    tokenizer: Tokenizer,
    haystack: Haystack,
    tasks: Mapping[int, Sequence[babilong.Story]],
    *,
    lengths: Sequence[int],
    num_samples: int,
    seed: int,
) -> Iterator[Group]:
    """Make the prompts of every length and task, the shortest first.

    Raises:
        UsageError: a length leaves no room for the facts.
    """
    for length in sorted(lengths):
        for number, stories in sorted(tasks.items()):
            prompts = []
            for sample in range(num_samples):
                draw = random.Random(f"{seed} {length} qa{number} {sample}")
                story = draw.choice(stories)
                prompts.append(
                    babilong.make_prompt(tokenizer, story, haystack, length=length, draw=draw)
                )
            yield Group(f"qa{number}", length, None, prompts)
