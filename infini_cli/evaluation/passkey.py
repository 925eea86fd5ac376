"""Pass keys hidden in long texts, and the question for one of them (Munkhdalai et al. 2024).

A prompt is an instruction, a haystack with one or more facts in it, and a question whose answer
are the five digits of one key. Lengths are in tokens, of the whole prompt with its question.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import Enum

from infini_cli.errors import UsageError
from infini_cli.evaluation.haystack import (
    Asked,
    Haystack,
    Layout,
    Mark,
    Prompt,
    RepeatedHaystack,
    encode_question,
    hide,
    mark_parts,
    places_of,
)
from infini_cli.tokens.tokenizer import Tokenizer

DEPTHS = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""The paper's three places."""
NUM_DIGITS = 5
NAMES = (
    *("Amsterdam", "Athens", "Berlin", "Boston", "Cairo", "Chicago", "Delhi", "Dublin", "Florence"),
    *("Geneva", "Houston", "Lisbon", "London", "Madrid", "Miami", "Moscow", "Munich", "Oslo"),
    *("Paris", "Prague", "Rome", "Seoul", "Sydney", "Tokyo", "Toronto", "Vienna"),
)
"""Whose keys are hidden where there are several: words that models know. Of eight keys in its
window the small base tells whose is whose six times in ten; with single letters for names it is one
in six."""
UNNAMED = ""
"""The name of the key of a prompt that hides only one."""
KEY_SCATTER = 2_654_435_761
"""2^32 over the golden ratio: multiples of it scatter evenly (Knuth's multiplicative hash)."""

# The paper's words, see `FILLER`.
INSTRUCTION = (
    "There is an important info hidden inside a lot of irrelevant text. Find it and memorize "
    "it. I will quiz you about the important information there."
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


def make_prompt(
    tokenizer: Tokenizer,
    haystack: Haystack,
    *,
    length: int,
    depth: float,
    num_facts: int,
    draw: random.Random,
    keys: KeySplit = KeySplit.HELD_OUT,
    num_questions: int = 1,
    lay: Layout = hide,
) -> Prompt:
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
        num_questions: how many of the facts are asked for, one after the other; no more than
            there are.
        lay: how facts and haystack are laid.

    Raises:
        UsageError: the length leaves no room for the facts, or there are too many of them.
    """
    if not 1 <= num_facts <= len(NAMES):
        raise UsageError(f"{num_facts} facts are not between 1 and {len(NAMES)}")
    chosen = draw_keys(keys, num_facts, draw)
    names = draw.sample(NAMES, num_facts) if num_facts > 1 else [UNNAMED]
    fact_text = NAMED_FACT if num_facts > 1 else FACT
    facts = [
        tokenizer.encode(fact_text.format(name=name, key=key))
        for name, key in zip(names, chosen, strict=True)
    ]
    instruction = tokenizer.encode(INSTRUCTION)
    (question, answer), *further = (
        ask(tokenizer, name, key) for name, key in zip(names[:num_questions], chosen, strict=False)
    )
    room = length - len(instruction) - len(question) - sum(map(len, facts))
    if room < 0:
        raise UsageError(
            f"{length:,} tokens leave no room for the facts", hint=f"take {length - room:,} or more"
        )
    places = [depth, *(draw.random() for _ in facts[1:])]
    context = (*instruction, *lay(facts, places, haystack, room, draw, len(instruction)))
    told = [
        mark
        for name, key, fact in zip(names, chosen, facts, strict=True)
        for mark in _told(tokenizer, name, key, fact, context)
    ]
    return Prompt(
        context,
        question,
        answer,
        tuple(further),
        facts=tuple(zip(names, chosen, strict=True)),
        told=tuple(told),
        subjects=tuple(names[:num_questions]),
    )


def ask(tokenizer: Tokenizer, name: str, key: str) -> Asked:
    """Ask for the key of a name, or for the only one."""
    text = QUESTION if name == UNNAMED else NAMED_QUESTION.format(name=name)
    return encode_question(tokenizer, text, key)


def _told(
    tokenizer: Tokenizer, name: str, key: str, fact: Sequence[int], context: Sequence[int]
) -> Iterator[Mark]:
    """Mark the tokens of a fact that tell its key.

    It is told where it stands first, after its name: where it stands again, nothing read so far
    says whose it is, or whether it has a name at all.
    """
    _, answer = ask(tokenizer, name, key)
    for start in places_of(fact, context):
        for place in places_of(answer, fact)[:1]:
            yield from mark_parts(answer, start + place, name)


def draw_keys(split: KeySplit, num_keys: int, draw: random.Random) -> list[str]:
    """Draw different keys of a part."""
    found: list[str] = []
    while len(found) < num_keys:
        key = draw.randrange(10 ** (NUM_DIGITS - 1), 10**NUM_DIGITS)
        if split.holds(key) and str(key) not in found:
            found.append(str(key))
    return found


def filler_prompts(
    tokenizer: Tokenizer, *, length: int, num_samples: int, seed: int, num_facts: int = 1
) -> list[Prompt]:
    """Make prompts whose key asked for stands in the middle of the paper's filler.

    Raises:
        UsageError: the length leaves no room for the facts.
    """
    haystack = RepeatedHaystack(tokenizer)
    return [
        make_prompt(
            tokenizer,
            haystack,
            length=length,
            depth=0.5,
            num_facts=num_facts,
            draw=random.Random(f"{seed} {sample}"),
        )
        for sample in range(num_samples)
    ]
