"""Prompts to learn from: what they hide, in what, and what is asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infini_cli.errors import UsageError
from infini_cli.evaluation import babilong, passkey
from infini_cli.evaluation.babilong import Story
from infini_cli.evaluation.haystack import Haystack, Mark, Prompt, RepeatedHaystack
from infini_cli.evaluation.windows import MAX_REPEATED
from infini_cli.tokens.sentence_ends import SentenceEnds
from infini_cli.tokens.tokenizer import Tokenizer
from infini_cli.training.layout import SegmentLayout
from infini_cli.training.recipe import SamplesRecipe

MEMORY_SHARE = 0.8
"""Of the facts asked for: stand before the last segment, so that only the memory can tell them. The
others stand in it, where the memory must not talk over what is in sight."""


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


class PromptMaker:
    """Makes the prompts of a batch.

    Args:
        recipe: what to hide and ask.
        sources: what to make it of.
        ends: where sentences end, and so segments.
    """

    def __init__(self, recipe: SamplesRecipe, sources: Sources, ends: SentenceEnds) -> None:
        self._recipe, self._sources, self._ends = recipe, sources, ends
        self._repeated = RepeatedHaystack(sources.tokenizer)

    def make(
        self, task: str, size: int, count: int, num_rows: int, draw: random.Random
    ) -> list[Prompt]:
        """Make rows that fill so many segments of a size, and ask as many tokens each.

        Raises:
            UsageError: the segments are too short for the facts.
        """
        if task == "babilong":
            return _alike(lambda: self._babilong(size, count, draw), num_rows)
        facts = draw.randint(*self._recipe.num_facts)
        # Recipes without a share draw what they drew before there was one.
        if self._recipe.single_share and draw.random() < self._recipe.single_share:
            facts = 1
        deepest = 1.0 - 1.0 / count

        def make() -> Prompt:
            share, place = draw.random(), draw.random()
            in_window = share > MEMORY_SHARE
            depth = deepest + place * (1.0 - deepest) if in_window else place * deepest
            return self._passkey(size, count, facts, depth, draw)

        return _alike(make, num_rows)

    def _haystack(self, draw: random.Random) -> Haystack:
        texts = self._sources.texts
        in_text = texts is not None and draw.random() < self._recipe.text_share
        return texts if in_text and texts is not None else self._repeated

    def _passkey(
        self, size: int, count: int, facts: int, depth: float, draw: random.Random
    ) -> Prompt:
        length = size * count
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
                lay=SegmentLayout(size, self._ends, MAX_REPEATED),
            )
        except UsageError as error:
            raise UsageError(
                f"{facts} facts do not fit into {length} tokens",
                hint="raise the least of segment_length or num_segments",
            ) from error

    def _babilong(self, size: int, count: int, draw: random.Random) -> Prompt:
        """Hide a story that is short enough, mostly before the last segment."""
        tokenizer, haystack = self._sources.tokenizer, self._haystack(draw)
        deepest = 1.0 if draw.random() > MEMORY_SHARE else 1.0 - 1.0 / count
        length, lay = size * count, SegmentLayout(size, self._ends, MAX_REPEATED)
        while True:
            story = draw.choice(self._sources.stories)
            try:
                return babilong.make_prompt(
                    tokenizer,
                    story,
                    haystack,
                    length=length,
                    draw=draw,
                    num_questions=self._recipe.num_questions,
                    deepest=deepest,
                    lay=lay,
                )
            except UsageError:
                if not any(len(other.facts) < len(story.facts) for other in self._sources.stories):
                    raise


def asked(prompt: Prompt) -> list[tuple[int, float]]:
    """Give the ids of questions and answers, and how much each counts."""
    parts = ((prompt.question, prompt.answer), *prompt.further)
    return [
        pair
        for question, answer in parts
        for pair in (*((id, 0.0) for id in question), *((id, 1.0) for id in answer))
    ]


def asking(prompt: Prompt) -> Iterator[Mark]:
    """Mark the tokens that answers follow, where it is known what tells them."""
    place = len(prompt.context)
    known = {(mark.subject, mark.part) for mark in prompt.told}
    parts = ((prompt.question, prompt.answer), *prompt.further)
    # What earlier texts told is asked last, and is of no subject of this one.
    for subject, (question, answer) in zip(prompt.subjects, parts, strict=False):
        place += len(question)
        for part in range(len(answer)):
            if (subject, part) in known:
                yield Mark(place + part - 1, subject, part)
        place += len(answer)


def _alike(make: Callable[[], Prompt], num_rows: int) -> list[Prompt]:
    """Make prompts that have as many tokens as the first one, also before the first question."""

    def shape(row: Prompt) -> tuple[int, int]:
        return len(row.context), len(asked(row))

    rows = [make()]
    while len(rows) < num_rows:
        row = make()
        if shape(row) == shape(rows[0]):
            rows.append(row)
    return rows
