"""Facts of bAbI hidden in books, as BABILong does (Weston et al. 2015, Kuratov et al. 2024).

A story of bAbI is a handful of sentences, some of which are needed for the question. They are laid
in their order between the paragraphs of a book; the question follows the text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.evaluation.haystack import Haystack, Layout, Prompt, encode_question, hide
from infini_cli.tokens.tokenizer import Tokenizer

INSTRUCTION = "Facts about people are hidden in the text of a book. Remember them."
QUESTION = " Question: {question} Answer:"
LINE = re.compile(r"(\d+) (.+)")
FILE = re.compile(r"qa(\d+)_.*_(train|test)\.txt")


@dataclass(frozen=True, slots=True)
class Story:
    """A question of bAbI.

    Attributes:
        facts: the sentences told before it, in order.
        question: its text.
        answer: a word, or several joined by commas.
    """

    facts: tuple[str, ...]
    question: str
    answer: str


def read_tasks(folder: Path, part: str, numbers: Sequence[int]) -> dict[int, list[Story]]:
    """Read the questions of some tasks, by number.

    Args:
        folder: holds files named like `qa1_single-supporting-fact_test.txt`.
        part: `train` or `test`.
        numbers: of the tasks.

    Raises:
        InputNotFound: one is not there.
        DamagedInput: a file is written otherwise.
    """
    found = {
        int(match[1]): path
        for path in sorted(folder.glob("qa*_*.txt"))
        if (match := FILE.fullmatch(path.name)) and match[2] == part
    }
    missing = [number for number in numbers if number not in found]
    if missing:
        raise InputNotFound(
            f"there is no task {missing[0]} of bAbI in `{folder}`",
            hint=f"files are named like qa1_single-supporting-fact_{part}.txt",
        )
    return {number: read_stories(found[number]) for number in numbers}


def read_stories(path: Path) -> list[Story]:
    """Read a file of bAbI.

    Raises:
        InputNotFound: it cannot be read.
        DamagedInput: it is written otherwise.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputNotFound(f"cannot read `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DamagedInput(f"`{path.name}` is not UTF-8") from error
    stories: list[Story] = []
    facts: list[str] = []
    for number, line in enumerate(lines, start=1):
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise DamagedInput(f"line {number} of `{path.name}` is no line of bAbI")
        if int(match[1]) == 1:
            facts = []
        parts = match[2].split("\t")
        if len(parts) == 1:
            facts.append(parts[0].strip())
        else:
            stories.append(Story(tuple(facts), parts[0].strip(), parts[1].strip()))
    return stories


def make_prompt(
    tokenizer: Tokenizer,
    story: Story,
    haystack: Haystack,
    *,
    length: int,
    draw: random.Random,
    lay: Layout = hide,
) -> Prompt:
    """Hide a story's facts anywhere in a haystack, in their order.

    Args:
        tokenizer: of the model.
        story: what to tell and ask.
        haystack: what to hide it in.
        length: tokens of the whole prompt.
        draw: the random numbers.
        lay: how facts and haystack are laid.

    Raises:
        UsageError: the length leaves no room for the facts.
    """
    question, answer = encode_question(
        tokenizer, QUESTION.format(question=story.question), story.answer
    )
    instruction = tokenizer.encode(INSTRUCTION)
    facts = [tokenizer.encode("\n\n" + fact) for fact in story.facts]
    room = length - len(instruction) - len(question) - sum(map(len, facts))
    if room < 0:
        raise UsageError(
            f"{length:,} tokens leave no room for the facts", hint=f"take {length - room:,} or more"
        )
    depths = sorted(draw.random() for _ in facts)
    context = (*instruction, *lay(facts, depths, haystack, room, draw, len(instruction)))
    return Prompt(context, question, answer)
