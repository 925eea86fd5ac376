"""Facts of bAbI hidden in books, as BABILong does (Weston et al. 2015, Kuratov et al. 2024).

A story of bAbI is a handful of sentences, some of which are needed for the question. They are laid
in their order between the paragraphs of a book; the question follows the text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infini_cli.errors import DamagedInput, InputNotFound, UsageError
from infini_cli.evaluation.haystack import (
    Haystack,
    Layout,
    Mark,
    Prompt,
    encode_question,
    hide,
    mark_parts,
    places_of,
)
from infini_cli.tokens.tokenizer import Tokenizer

INSTRUCTION = "Facts about people are hidden in the text of a book. Remember them."
QUESTION = " According to these facts: {question} Answer: the"
"""After a plain "Answer:" the small base names no place, even with the facts in sight."""
LINE = re.compile(r"(\d+) (.+)")
WORD = re.compile(r"\w+")
NOT_NAMES = frozenset({"the", "to", "of"})
Answered = Mapping[str, tuple[str, int]]
"""Answer to each question that was asked, and how many facts were told before it."""
Further = Callable[[Answered, Sequence[str]], Iterable[tuple[str, str]]]
Subject = Callable[[str], str]
"""Gives what a fact or a question is about."""
FILE = re.compile(r"qa(\d+)_.*_(train|test)\.txt")


@dataclass(frozen=True, slots=True)
class Story:
    """A question of bAbI.

    Attributes:
        facts: the sentences told before it, in order.
        question: its text.
        answer: a word, or several joined by commas.
        further: more questions that can be asked, with their answers.
        subject_of: gives what a fact or a question is about, where a fact alone answers it by its
            last word; None: it takes more.
    """

    facts: tuple[str, ...]
    question: str
    answer: str
    further: tuple[tuple[str, str], ...] = ()
    subject_of: Subject | None = field(default=None, compare=False)


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
    return {n: read_stories(found[n], FURTHER.get(n), SUBJECTS.get(n)) for n in numbers}


def read_stories(
    path: Path, further: Further | None = None, subject_of: Subject | None = None
) -> list[Story]:
    """Read a file of bAbI.

    Args:
        path: of the file.
        further: gives what else can be asked, of what was asked and told before; None: nothing.
        subject_of: as `Story` has it.

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
            others = () if further is None else further(asked, facts)
            more = tuple(pair for pair in others if pair[0] != question)
            stories.append(Story(tuple(facts), question, answer, more, subject_of))
            asked[question] = (answer, len(facts))
    return stories


def _whereabouts(asked: Answered, facts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Ask where everybody is, those who went there first before the others.

    Of task 1, where each fact is somebody's going somewhere: its first word, and its last.
    """
    last: dict[str, str] = {}
    for fact in facts:
        if words := WORD.findall(fact):
            last.pop(words[0], None)
            last[words[0]] = words[-1]
    for name, place in last.items():
        yield f"Where is {name}?", place


def _still_true(asked: Answered, facts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give earlier questions and answers that no fact after them is about.

    Of task 5. (Of task 2 they do not last: who carries a thing may go on.)

    Args:
        asked: what was asked before.
        facts: told until now.
    """
    for question, (answer, num_before) in asked.items():
        told = set(WORD.findall(" ".join(facts[:num_before])))
        about = told.intersection(WORD.findall(question)) - NOT_NAMES
        if about.isdisjoint(WORD.findall(" ".join(facts[num_before:]))):
            yield question, answer


def _somebody(sentence: str) -> str:
    """Give whom a sentence of task 1 is about: "Mary moved to the bathroom.", "Where is Mary?"."""
    words = WORD.findall(sentence)
    return words[-1 if sentence.endswith("?") else 0] if words else ""


SUBJECTS: Mapping[int, Subject] = {1: _somebody}
"""What tells whom a fact or a question of a task is about, by the task's number."""
FURTHER: Mapping[int, Further] = {1: _whereabouts, 5: _still_true}
"""What gives more questions than a task asks, by its number."""


def make_prompt(
    tokenizer: Tokenizer,
    story: Story,
    haystack: Haystack,
    *,
    length: int,
    draw: random.Random,
    num_questions: int = 1,
    deepest: float = 1.0,
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
        deepest: facts stand in this share of the haystack, its beginning.
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
    depths = sorted(deepest * draw.random() for _ in facts)
    context = (*instruction, *lay(facts, depths, haystack, room, draw, len(instruction)))
    if story.subject_of is None:
        return Prompt(context, question, answer, tuple(further))
    told = tuple(_told(tokenizer, story.facts, story.subject_of, facts, context))
    subjects = tuple(story.subject_of(asked) for asked, _ in pairs)
    return Prompt(context, question, answer, tuple(further), told=told, subjects=subjects)


def _told(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    subject_of: Subject,
    facts: Sequence[Sequence[int]],
    context: Sequence[int],
) -> Iterator[Mark]:
    """Mark all tokens of the last word of each fact, as they would be answered."""
    start = 0
    for text, fact in zip(texts, facts, strict=True):
        start += places_of(fact, context[start:])[0]
        for last in WORD.findall(text)[-1:]:
            _, answer = encode_question(tokenizer, "", last)
            for place in places_of(answer, fact)[-1:]:
                yield from mark_parts(answer, start + place, subject_of(text))
        start += len(fact)
