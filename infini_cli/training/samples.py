"""Rows to learn from: prompts of one length, cut into the same segments."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infini_cli.errors import UsageError
from infini_cli.evaluation.passkey import (
    Haystack,
    KeySplit,
    PasskeyPrompt,
    RepeatedHaystack,
    make_prompt,
)
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.recipe import SamplesRecipe

if TYPE_CHECKING:
    from torch import Tensor


MEMORY_SHARE = 0.9
"""Of the facts asked for: stand before the last segment, so that only the memory can tell them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from.

    Attributes:
        ids_BS: token ids.
        weights_BS: 1 for the tokens of the answers, else 0.
        segment_lengths: together one less than the tokens.
        carries: whether it begins with the memory that the step before left.
    """

    ids_BS: Tensor
    weights_BS: Tensor
    segment_lengths: tuple[int, ...]
    carries: bool


class Sampler:
    """Draws batches; each depends on the seed and the step alone.

    Args:
        recipe: what to draw.
        tokenizer: of the base.
        texts: haystack of texts; None: only the paper's filler.
        batch_size: rows.
        seed: of all draws.
    """

    def __init__(
        self,
        recipe: SamplesRecipe,
        tokenizer: Tokenizer,
        texts: Haystack | None,
        batch_size: int,
        seed: int,
    ) -> None:
        self._recipe, self._tokenizer, self._texts = recipe, tokenizer, texts
        self._batch_size, self._seed = batch_size, seed
        self._repeated = RepeatedHaystack(tokenizer)

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step.

        Raises:
            UsageError: the segments are too short for the facts.
        """
        import torch

        recipe = self._recipe
        draw = random.Random(f"{self._seed} {step}")
        size = draw.randint(*recipe.segment_length)
        count = draw.randint(recipe.num_segments[0], self._most_segments(step, size))
        facts = draw.randint(*recipe.num_facts)
        length = size * count
        before_window = 1.0 - 1.0 / count
        rows = [self._row(length, facts, before_window, draw) for _ in range(self._batch_size)]
        while len({len(row.answer) for row in rows}) > 1:
            # Rare: keys whose digits the tokenizer joins otherwise.
            rows = [self._row(length, facts, before_window, draw) for _ in range(self._batch_size)]
        num_answer = len(rows[0].answer)
        ids = [[*row.context, *row.question, *row.answer] for row in rows]
        weights = torch.zeros(len(rows), len(ids[0]))
        weights[:, -num_answer:] = 1.0
        # The last segment takes the answer's tokens with it, so that none is left alone.
        lengths = (*([size] * (count - 1)), size + num_answer - 1)
        return Batch(torch.tensor(ids), weights, lengths, draw.random() < recipe.carry_share)

    def _most_segments(self, step: int, size: int) -> int:
        """Give how many segments of a size a step may draw: few at first."""
        least, most = self._recipe.num_segments
        grown = least + growth(self._recipe, step) * (most - least)
        return max(least, min(round(grown), self._recipe.max_tokens // size))

    def _row(
        self, length: int, facts: int, before_window: float, draw: random.Random
    ) -> PasskeyPrompt:
        in_text = self._texts is not None and draw.random() < self._recipe.text_share
        # What stands in the last segment is not asked of the memory, and teaches it nothing.
        depth = draw.random() * (before_window if draw.random() < MEMORY_SHARE else 1.0)
        haystack = self._texts if in_text and self._texts is not None else self._repeated
        try:
            return make_prompt(
                self._tokenizer,
                haystack,
                length=length,
                depth=depth,
                num_facts=facts,
                draw=draw,
                keys=KeySplit.TRAINING,
            )
        except UsageError as error:
            raise UsageError(
                f"{facts} facts do not fit into {length} tokens",
                hint="raise the least of segment_length or num_segments",
            ) from error


def growth(recipe: SamplesRecipe, step: int) -> float:
    """Give how far the samples have grown at a step, up to 1."""
    return min(1.0, (step + 1) / max(1, recipe.num_growth_steps))
