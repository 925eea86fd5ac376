"""Pass keys hidden in long texts, and the question for one of them (Munkhdalai et al. 2024).

A prompt is an instruction, a haystack with one or more facts in it, and a question whose answer
are the five digits of one key. Lengths are in tokens, of the whole prompt with its question.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from infini_cli.errors import UsageError
from infini_cli.tokens.tokenizer import Tokenizer

DEPTHS = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""The paper's three places."""
NUM_DIGITS = 5
MAX_FACTS = 26
KEY_SCATTER = 2_654_435_761
"""2^32 over the golden ratio: multiples of it scatter evenly (Knuth's multiplicative hash)."""

# The paper's words, those of the task's inventors (Mohtashami and Jaggi 2023), so that figures
# can be compared.
INSTRUCTION = (
    "There is an important info hidden inside a lot of irrelevant text. Find it and memorize "
    "it. I will quiz you about the important information there."
)
FILLER = (
    " The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
)
FACT = " The pass key is {key}. Remember it. {key} is the pass key."
QUESTION = " What is the pass key? The pass key is"
NAMED_FACT = " The pass key of {name} is {key}. Remember it. {key} is the pass key of {name}."
NAMED_QUESTION = " What is the pass key of {name}? The pass key of {name} is"


class KeySplit(Enum):
    """Which keys may be drawn: those that training uses are never measured with."""

    TRAINING = "training"
    HELD_OUT = "held-out"

    def holds(self, key: int) -> bool:
        """Tell whether a key is in this part: a tenth of all is held out, whatever its digits."""
        scattered = key * KEY_SCATTER % 2**32 >> 16
        return (scattered % 10 == 0) == (self is KeySplit.HELD_OUT)


class Haystack(Protocol):
    """Text to hide facts in."""

    def units(self, num_tokens: int, draw: random.Random) -> list[list[int]]:
        """Give pieces of text as ids, between which a fact may stand; so many tokens or more."""


@dataclass(frozen=True, slots=True)
class PasskeyPrompt:
    """A prompt and what a model should continue it with.

    Attributes:
        context: ids of instruction, haystack and facts.
        question: ids of the question.
        answer: ids of the key.
    """

    context: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def num_tokens(self) -> int:
        """Tokens of the prompt, without the answer."""
        return len(self.context) + len(self.question)


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


def make_prompt(
    tokenizer: Tokenizer,
    haystack: Haystack,
    *,
    length: int,
    depth: float,
    num_facts: int,
    draw: random.Random,
    keys: KeySplit = KeySplit.HELD_OUT,
) -> PasskeyPrompt:
    """Hide facts and ask for one.

    Args:
        tokenizer: of the model.
        haystack: what to hide them in.
        length: tokens of the whole prompt.
        depth: where the fact asked for stands, 0 at the start to 1 at the end; others stand
            anywhere.
        num_facts: how many, each with a name of its own where there are several.
        draw: the random numbers.
        keys: from which part of all keys to draw.

    Raises:
        UsageError: the length leaves no room for the facts, or there are too many of them.
    """
    if not 1 <= num_facts <= MAX_FACTS:
        raise UsageError(f"{num_facts} facts are not between 1 and {MAX_FACTS}")
    chosen = _draw_keys(keys, num_facts, draw)
    names = [chr(ord("A") + index) for index in draw.sample(range(MAX_FACTS), num_facts)]
    fact_text, question_text = (FACT, QUESTION) if num_facts == 1 else (NAMED_FACT, NAMED_QUESTION)
    facts = [
        tokenizer.encode(fact_text.format(name=name, key=key))
        for name, key in zip(names, chosen, strict=True)
    ]
    instruction = tokenizer.encode(INSTRUCTION)
    question, answer = _encode_question(tokenizer, question_text.format(name=names[0]), chosen[0])
    room = length - len(instruction) - len(question) - sum(map(len, facts))
    if room < 0:
        raise UsageError(
            f"{length:,} tokens leave no room for the facts", hint=f"take {length - room:,} or more"
        )
    context = list(instruction)
    before = 0
    places = [depth, *(draw.random() for _ in facts[1:])]
    waiting = sorted(zip((place * room for place in places), range(len(facts)), strict=True))
    for unit in haystack.units(room, draw):
        # A fact stands at the end of the piece before whose middle its place is.
        while waiting and waiting[0][0] < before + len(unit) / 2:
            context += facts[waiting.pop(0)[1]]
        context += unit[: room - before]
        before += len(unit)
    for _, index in waiting:
        context += facts[index]
    return PasskeyPrompt(tuple(context), question, answer)


def _draw_keys(split: KeySplit, num_keys: int, draw: random.Random) -> list[int]:
    found: list[int] = []
    while len(found) < num_keys:
        key = draw.randrange(10 ** (NUM_DIGITS - 1), 10**NUM_DIGITS)
        if split.holds(key) and key not in found:
            found.append(key)
    return found


def _encode_question(
    tokenizer: Tokenizer, question: str, key: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Encode question and answer as one text; what comes before the first digit is asked.

    Many tokenizers make a token of the blank before a number: to guess it is no feat.
    """
    ids = tokenizer.encode(f"{question} {key}")
    start = next(
        index for index in range(len(ids) - 1, -1, -1) if str(key) in tokenizer.decode(ids[index:])
    )
    return tuple(ids[:start]), tuple(ids[start:])
