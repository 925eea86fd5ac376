"""Batches to learn from: rows of one length, cut into the same segments."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infini_cli.errors import UsageError
from infini_cli.evaluation import babilong, passkey
from infini_cli.evaluation.babilong import Story
from infini_cli.evaluation.haystack import Haystack, Prompt, RepeatedHaystack
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.recipe import TEXT_TASKS, SamplesRecipe, TasksRecipe

if TYPE_CHECKING:
    from torch import Tensor

MEMORY_SHARE = 0.9
"""Of the facts asked for: stand before the last segment, so that only the memory can tell them."""

TEXT_SHARE = 0.25
"""Of the tokens of a text: are learnt. Scores over the vocabulary cost more than the layers, and
neighbours teach nearly the same."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from.

    Attributes:
        task: one of the fields of `TasksRecipe`.
        ids_BS: token ids.
        weights_BS: 1 for the tokens that are learnt, else 0.
        segment_lengths: together one less than the tokens.
        carries: whether it begins with the memory that the step before left.
    """

    task: str
    ids_BS: Tensor
    weights_BS: Tensor
    segment_lengths: tuple[int, ...]
    carries: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """What samples are made of.

    Attributes:
        tokenizer: of the base.
        texts: books; None: only the paper's filler.
        stories: of bAbI.
    """

    tokenizer: Tokenizer
    texts: Haystack | None = None
    stories: tuple[Story, ...] = ()


class Sampler:
    """Draws batches; each depends on the seed and the step alone.

    Args:
        tasks: which to draw how often.
        recipe: what to draw.
        sources: what to make it of.
        batch_size: rows.
        seed: of all draws.
    """

    def __init__(
        self,
        tasks: TasksRecipe,
        recipe: SamplesRecipe,
        sources: Sources,
        batch_size: int,
        seed: int,
    ) -> None:
        self._tasks = {name: share for name, share in asdict(tasks).items() if share > 0}
        self._recipe, self._sources = recipe, sources
        self._batch_size, self._seed = batch_size, seed
        self._repeated = RepeatedHaystack(sources.tokenizer)

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step.

        Raises:
            UsageError: the segments are too short for the facts.
        """
        recipe = self._recipe
        draw = random.Random(f"{self._seed} {step}")
        (task,) = draw.choices(list(self._tasks), list(self._tasks.values()))
        size = draw.randint(*recipe.segment_length)
        count = draw.randint(recipe.num_segments[0], self._most_segments(step, size))
        carries = draw.random() < recipe.carry_share
        if task in TEXT_TASKS:
            return self._text_batch(task, size, count, carries, draw)
        return self._prompt_batch(task, size, count, carries, draw)

    def _most_segments(self, step: int, size: int) -> int:
        """Give how many segments of a size a step may draw: few at first."""
        least, most = self._recipe.num_segments
        grown = least + growth(self._recipe, step) * (most - least)
        return max(least, min(round(grown), self._recipe.max_tokens // size))

    def _text_batch(
        self, task: str, size: int, count: int, carries: bool, draw: random.Random
    ) -> Batch:
        import torch

        assert self._sources.texts is not None
        length = size * count + 1
        rows = [
            [id for unit in self._sources.texts.units(length, draw) for id in unit][:length]
            for _ in range(self._batch_size)
        ]
        learnt = [[float(draw.random() < TEXT_SHARE) for _ in row] for row in rows]
        weights = torch.tensor(learnt)
        if not carries:
            # With nothing in the memory there is nothing to learn.
            weights[:, : size + 1] = 0.0
        # A short text may have had no luck.
        weights[:, -1] = 1.0
        return Batch(task, torch.tensor(rows), weights, (size,) * count, carries)

    def _prompt_batch(
        self, task: str, size: int, count: int, carries: bool, draw: random.Random
    ) -> Batch:
        import torch

        if task == "babilong":

            def make() -> Prompt:
                return self._babilong(size * count, draw)

        else:
            facts = draw.randint(*self._recipe.num_facts)
            # What stands in the last segment is not asked of the memory, and teaches it nothing.
            deepest = 1.0 - 1.0 / count

            def make() -> Prompt:
                depth = draw.random() * (deepest if draw.random() < MEMORY_SHARE else 1.0)
                return self._passkey(size * count, facts, depth, draw)

        rows = _alike(make, self._batch_size)
        ids = [[*row.context, *(id for id, _ in _asked(row))] for row in rows]
        weights = [[0.0] * len(row.context) + [weight for _, weight in _asked(row)] for row in rows]
        # The last segment takes answers and further questions with it: no answer's token is left
        # alone, and all are asked of the same memory.
        last = len(ids[0]) - 1 - size * (count - 1)
        lengths = (*([size] * (count - 1)), last)
        return Batch(task, torch.tensor(ids), torch.tensor(weights), lengths, carries)

    def _haystack(self, draw: random.Random) -> Haystack:
        texts = self._sources.texts
        in_text = texts is not None and draw.random() < self._recipe.text_share
        return texts if in_text and texts is not None else self._repeated

    def _passkey(self, length: int, facts: int, depth: float, draw: random.Random) -> Prompt:
        try:
            return passkey.make_prompt(
                self._sources.tokenizer,
                self._haystack(draw),
                length=length,
                depth=depth,
                num_facts=facts,
                draw=draw,
                keys=passkey.KeySplit.TRAINING,
                num_questions=self._recipe.num_questions,
            )
        except UsageError as error:
            raise UsageError(
                f"{facts} facts do not fit into {length} tokens",
                hint="raise the least of segment_length or num_segments",
            ) from error

    def _babilong(self, length: int, draw: random.Random) -> Prompt:
        """Hide a story that is short enough."""
        tokenizer, haystack = self._sources.tokenizer, self._haystack(draw)
        while True:
            story = draw.choice(self._sources.stories)
            try:
                return babilong.make_prompt(tokenizer, story, haystack, length=length, draw=draw)
            except UsageError:
                if not any(len(other.facts) < len(story.facts) for other in self._sources.stories):
                    raise


def _alike(make: Callable[[], Prompt], num_rows: int) -> list[Prompt]:
    """Make prompts whose questions and answers have as many tokens as the first one's."""
    rows = [make()]
    while len(rows) < num_rows:
        row = make()
        if len(_asked(row)) == len(_asked(rows[0])):
            rows.append(row)
    return rows


def _asked(prompt: Prompt) -> list[tuple[int, float]]:
    """Give the ids of questions and answers, and how much each counts."""
    parts = ((prompt.question, prompt.answer), *prompt.further)
    return [
        pair
        for question, answer in parts
        for pair in (*((id, 0.0) for id in question), *((id, 1.0) for id in answer))
    ]


def growth(recipe: SamplesRecipe, step: int) -> float:
    """Give how far the samples have grown at a step, up to 1."""
    return min(1.0, (step + 1) / max(1, recipe.num_growth_steps))
