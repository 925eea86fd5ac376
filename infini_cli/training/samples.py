"""Batches to learn from: rows of one length, cut into the same segments."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from infini_cli.evaluation.haystack import Mark, Prompt
from infini_cli.tokens.sentence_ends import SentenceEnds
from infini_cli.training.decoys import Decoys
from infini_cli.training.layout import SegmentLayout
from infini_cli.training.prompts import PromptMaker, Sources, asked, asking
from infini_cli.training.recall import with_recalls
from infini_cli.training.recipe import TEXT_TASKS, SamplesRecipe, TasksRecipe

if TYPE_CHECKING:
    from torch import Tensor

TEXT_SHARE = 0.25
"""Of the tokens of a text: are learnt. Scores over the vocabulary cost more than the layers, and
neighbours teach nearly the same."""

MAX_AGE = 8
"""Steps after which what a text told is not asked for any more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from.

    Attributes:
        task: one of the fields of `TasksRecipe`.
        ids_BS: token ids.
        weights_BS: 1 for the tokens that are learnt, else 0.
        segment_lengths: together one less than the tokens.
        carries: whether it begins with the memory that the step before left.
        told: of each row, the tokens that tell answers, where that is known.
        asked: of each row, the tokens that are to be followed by them.
        decoys: of each row, the tokens that look as if they told something.
    """

    task: str
    ids_BS: Tensor
    weights_BS: Tensor
    segment_lengths: tuple[int, ...]
    carries: bool
    told: tuple[tuple[Mark, ...], ...] = ()
    asked: tuple[tuple[Mark, ...], ...] = ()
    decoys: tuple[tuple[Mark, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step reads; see `Batch`."""

    task: str
    segment_length: int
    num_segments: int
    carries: bool


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
        self._ends = SentenceEnds(sources.tokenizer)
        self._decoys = Decoys(self._tasks, sources)
        self._maker = PromptMaker(recipe, sources, self._ends)
        self._drawn: dict[int, list[Prompt]] = {}

    def draw(self, step: int) -> Batch:
        """Draw the batch of a step.

        Raises:
            UsageError: the segments are too short for the facts.
        """
        plan, draw = self._plan(step)
        if plan.task in TEXT_TASKS:
            return self._text_batch(plan, draw)
        return self._prompt_batch(step, plan)

    def plain(self, step: int) -> Batch:
        """Draw plain text, as much of it as a step reads, of which nothing is learnt.

        What looks like the facts that are learnt is strewn over it: books have little of it.
        """
        plan, draw = self._plan(step)
        batch = self._text_batch(plan, draw)
        decoys = tuple(self._decoys.strew(row_S, draw) for row_S in batch.ids_BS)
        return replace(batch, weights_BS=batch.weights_BS * 0.0, decoys=decoys)

    def _plan(self, step: int) -> tuple[Plan, random.Random]:
        """Decide on a step, and give the random numbers that its rows are drawn with."""
        recipe = self._recipe
        draw = random.Random(f"{self._seed} {step}")
        (task,) = draw.choices(list(self._tasks), list(self._tasks.values()))
        size = draw.randint(*recipe.segment_length)
        count = draw.randint(recipe.num_segments[0], self._most_segments(step, size))
        return Plan(task, size, count, draw.random() < recipe.carry_share), draw

    def _most_segments(self, step: int, size: int) -> int:
        """Give how many segments of a size a step may draw: few at first."""
        least, most = self._recipe.num_segments
        grown = least + growth(self._recipe, step) * (most - least)
        return max(least, min(round(grown), self._recipe.max_tokens // size))

    def _prompts(self, step: int) -> list[Prompt]:
        """Give the prompts of a step, none of a step of plain text."""
        if step not in self._drawn:
            plan, draw = self._plan(step)
            rows: list[Prompt] = []
            if plan.task not in TEXT_TASKS:
                size, count = plan.segment_length, plan.num_segments
                rows = self._maker.make(plan.task, size, count, self._batch_size, draw)
            self._drawn[step] = rows
            self._drawn.pop(step - MAX_AGE - 1, None)
        return self._drawn[step]

    def _earlier(self, step: int) -> list[list[Prompt]]:
        """Give the prompts of the steps whose memory a step carries on, the latest first."""
        found: list[list[Prompt]] = []
        while len(found) < MAX_AGE and step > 0 and self._plan(step)[0].carries:
            step -= 1
            found.append(self._prompts(step))
        return found

    def _text_batch(self, plan: Plan, draw: random.Random) -> Batch:
        import torch

        assert self._sources.texts is not None
        length = plan.segment_length * plan.num_segments + 1
        lay = SegmentLayout(plan.segment_length, self._ends)
        rows = [lay((), (), self._sources.texts, length, draw) for _ in range(self._batch_size)]
        learnt = [[float(draw.random() < TEXT_SHARE) for _ in row] for row in rows]
        weights = torch.tensor(learnt)
        if not plan.carries:
            # With nothing in the memory there is nothing to learn.
            weights[:, : plan.segment_length + 1] = 0.0
        # A short text may have had no luck.
        weights[:, -1] = 1.0
        lengths = (plan.segment_length,) * plan.num_segments
        return Batch(plan.task, torch.tensor(rows), weights, lengths, plan.carries)

    def _prompt_batch(self, step: int, plan: Plan) -> Batch:
        import torch

        rows = self._prompts(step)
        if self._recipe.num_recalls:
            earlier = self._earlier(step)
            rows = with_recalls(rows, earlier, self._sources.tokenizer, self._recipe.num_recalls)
        ids = [[*row.context, *(id for id, _ in asked(row))] for row in rows]
        weights = [[0.0] * len(row.context) + [weight for _, weight in asked(row)] for row in rows]
        # The last segment takes answers and further questions with it: no answer's token is left
        # alone, and all are asked of the same memory.
        before = (plan.segment_length,) * (plan.num_segments - 1)
        lengths = (*before, len(ids[0]) - 1 - sum(before))
        return Batch(
            plan.task,
            torch.tensor(ids),
            torch.tensor(weights),
            lengths,
            plan.carries,
            tuple(row.told for row in rows),
            tuple(tuple(asking(row)) for row in rows),
        )


def growth(recipe: SamplesRecipe, step: int) -> float:
    """Give how far the samples have grown at a step, up to 1."""
    return min(1.0, (step + 1) / max(1, recipe.num_growth_steps))
