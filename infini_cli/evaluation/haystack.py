"""Prompts that hide something in a long text, and the texts to hide it in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from infini_cli.errors import UsageError
from infini_cli.tokens.tokenizer import Tokenizer

# The paper's words, those of the task's inventors (Mohtashami and Jaggi 2023), so that figures
# can be compared.
FILLER = (
    " The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
)


Asked = tuple[tuple[int, ...], tuple[int, ...]]
"""Ids of a question and of its answer."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A token that tells a part of an answer, or is to be followed by it.

    Attributes:
        place: index of the token.
        subject: what is told of, or asked about.
        part: which token of the answer, counted from 0.
    """

    place: int
    subject: str
    part: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt and what a model should continue it with.

    Attributes:
        context: ids of the text, with what is hidden in it.
        question: ids of the question.
        answer: ids of the answer.
        further: more questions with their answers, to be learnt from.
        facts: names and values of what is hidden, so that it can be asked for later.
        told: tokens of the context that tell answers, where that is known.
        subjects: what the question and those further are about, as `told` names it; none where it
            is not known.
    """

    context: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]
    further: tuple[Asked, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    told: tuple[Mark, ...] = ()
    subjects: tuple[str, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Tokens of the prompt, without the answer."""
        return len(self.context) + len(self.question)


class Haystack(Protocol):
    """Text to hide facts in."""

    def units(self, num_tokens: int, draw: random.Random) -> list[list[int]]:
        """Give pieces of text as ids, between which a fact may stand; so many tokens or more."""


class Layout(Protocol):
    """A way to lay facts between the pieces of a haystack; see `hide`."""

    def __call__(
        self,
        facts: Sequence[Sequence[int]],
        depths: Sequence[float],
        haystack: Haystack,
        num_tokens: int,
        draw: random.Random,
        before: int = 0,
    ) -> list[int]:
        """Give the ids; `before` is how many tokens stand in front of them."""


class RepeatedHaystack:
    """The paper's: the same five sentences over and over."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._unit = tokenizer.encode(FILLER)

    def units(self, num_tokens: int, draw: random.Random) -> list[list[int]]:
        """Give the sentences as often as they are needed."""
        return [self._unit] * -(-num_tokens // len(self._unit))


class TextHaystack:
    """Paragraphs of real texts, from a random place on.

    Args:
        texts: whole texts.
        tokenizer: of the model that will read them.
    """

    def __init__(self, texts: Sequence[str], tokenizer: Tokenizer) -> None:
        self._paragraphs = [
            ids
            for text in texts
            for paragraph in text.split("\n\n")
            if paragraph.strip() and (ids := tokenizer.encode("\n\n" + paragraph.strip()))
        ]
        if not self._paragraphs:
            raise UsageError("the haystack holds no text")

    def units(self, num_tokens: int, draw: random.Random) -> list[list[int]]:
        """Give paragraphs; after the last comes the first."""
        place = draw.randrange(len(self._paragraphs))
        found: list[list[int]] = []
        total = 0
        while total < num_tokens:
            found.append(self._paragraphs[place % len(self._paragraphs)])
            total += len(found[-1])
            place += 1
        return found


def hide(
    facts: Sequence[Sequence[int]],
    depths: Sequence[float],
    haystack: Haystack,
    num_tokens: int,
    draw: random.Random,
    before: int = 0,
) -> list[int]:
    """Lay facts between the pieces of a haystack.

    Args:
        facts: ids of each; those at one place keep their order.
        depths: where each stands, 0 at the start to 1 at the end.
        haystack: what to hide them in.
        num_tokens: of the haystack, facts not counted.
        draw: the random numbers.
        before: tokens that stand in front; they change nothing here.
    """
    found: list[int] = []
    laid = 0
    places = (depth * num_tokens for depth in depths)
    waiting = sorted(zip(places, range(len(facts)), strict=True))
    for unit in haystack.units(num_tokens, draw):
        # A fact stands at the end of the piece before whose middle its place is.
        while waiting and waiting[0][0] < laid + len(unit) / 2:
            found += facts[waiting.pop(0)[1]]
        found += unit[: num_tokens - laid]
        laid += len(unit)
    for _, index in waiting:
        found += facts[index]
    return found


def places_of(part: Sequence[int], whole: Sequence[int]) -> list[int]:
    """Give where some ids stand among others, one after the other; each place is that of the first.

    Raises:
        ValueError: there are no ids to look for.
    """
    if not part:
        raise ValueError("nothing to look for")
    first, found = part[0], []
    for place, id in enumerate(whole):
        if id == first and list(whole[place : place + len(part)]) == list(part):
            found.append(place)
    return found


def mark_parts(answer: Sequence[int], place: int, subject: str) -> Iterator[Mark]:
    """Mark the tokens of an answer that is told from a place on."""
    for part in range(len(answer)):
        yield Mark(place + part, subject, part)


def encode_question(tokenizer: Tokenizer, question: str, answer: str) -> Asked:
    """Encode question and answer as one text; what comes before the answer itself is asked.

    Many tokenizers make a token of the blank before a number: to guess it is no feat.
    """
    ids = tokenizer.encode(f"{question} {answer}")
    start = next(
        index for index in range(len(ids) - 1, -1, -1) if answer in tokenizer.decode(ids[index:])
    )
    return tuple(ids[:start]), tuple(ids[start:])
