"""Facts of bAbI hidden in books, as BABILong does (Weston et al. 2015, Kuratov et al. 2024).

A story of bAbI is a handful of sentences, some of which are needed for the question. They are laid
in their order between the paragraphs of a book; the question follows the text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.evaluation.haystack import Haystack, Layout, Prompt, encode_question, hide
from infini_cli.tokens.tokenizer import Tokenizer

INSTRUCTION = "Facts about people are hidden in the text of a book. Remember them."
QUESTION = " According to these facts: {question} Answer: the"
"""After a plain "Answer:" the small base names no place, even with the facts in sight."""
LASTING_TASKS = (1, 5)
"""Those whose answers hold until a fact names somebody or something that was asked about. (Of task
2 they do not: who carries a thing may go on.)"""
LINE = re.compile(r"(\d+) (.+)")
WORD = re.compile(r"\w+")
NOT_NAMES = frozenset({"the", "to", "of"})
FILE = re.compile(r"qa(\d+)_.*_(train|test)\.txt")


@dataclass(frozen=True, slots=True)
class Story:
    """A question of bAbI.

    Attributes:
        facts: the sentences told before it, in order.
        question: its text.
        answer: a word, or several joined by commas.
        further: questions asked before that have the same answer still, with it.
    """

    facts: tuple[str, ...]
    question: str
    answer: str
    further: tuple[tuple[str, str], ...] = ()


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
    return {n: read_stories(found[n], lasting=n in LASTING_TASKS) for n in numbers}


def read_stories(path: Path, *, lasting: bool = False) -> list[Story]:
    """Read a file of bAbI.

    Args:
        path: of the file.
        lasting: whether answers hold until what was asked about is told of again.

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
    asked: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines, start=1):
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise DamagedInput(f"line {number} of `{path.name}` is no line of bAbI")
        if int(match[1]) == 1:
            facts, asked = [], {}
        parts = match[2].split("\t")
        if len(parts) == 1:
            facts.append(parts[0].strip())
        else:
            question, answer = parts[0].strip(), parts[1].strip()
            asked.pop(question, None)
            further = tuple(_still_true(asked, facts)) if lasting else ()
            stories.append(Story(tuple(facts), question, answer, further))
            asked[question] = (answer, len(facts))
    return stories


def _still_true(
    asked: Mapping[str, tuple[str, int]], facts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Give earlier questions and answers that no fact after them is about.

    Args:
        asked: answer to each question, and how many facts were told before it.
        facts: told until now.
    """
    for question, (answer, num_before) in asked.items():
        told = set(WORD.findall(" ".join(facts[:num_before])))
        about = told.intersection(WORD.findall(question)) - NOT_NAMES
        if about.isdisjoint(WORD.findall(" ".join(facts[num_before:]))):
            yield question, answer


def make_prompt(
    tokenizer: Tokenizer,
    story: Story,
    haystack: Haystack,
    *,
    length: int,
    draw: random.Random,
    num_questions: int = 1,
    lay: Layout = hide,
) -> Prompt:
    """Hide a story's facts anywhere in a haystack, in their order.

    Args:
        tokenizer: of the model.
        story: what to tell and ask.
        haystack: what to hide it in.
        length: tokens of the whole prompt.
        draw: the random numbers.
        num_questions: how many are asked at most, the story's own first.
        lay: how facts and haystack are laid.

    Raises:
        UsageError: the length leaves no room for the facts.
    """
    pairs = ((story.question, story.answer), *story.further)[:num_questions]
    (question, answer), *further = (
        encode_question(tokenizer, QUESTION.format(question=asked), answer)
        for asked, answer in pairs
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
    return Prompt(context, question, answer, tuple(further))
