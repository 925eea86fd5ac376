"""Notes on segments of one book or of several, written as a batch.

A pass over a book stops when a group of segments is full, gives what is to be written and takes
what was. What fills a group depends on the segments alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from infini_cli.grounding.support import MIN_SUPPORT, NAME_REACH, NOTE_REACH
from infini_cli.progress import Progress
from infini_cli.tasks import prompts
from infini_cli.tasks.instructions import Instructions
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.writer import (
    NO_REPEAT_NGRAM_SIZE,
    REPETITION_PENALTY,
    Draft,
    write_branches,
)

if TYPE_CHECKING:
    from infini_models.generate import Branch

MIN_GROUP_BYTES = 256 * 1024 * 1024
GROUP_SHARE = 0.1
"""Of the bytes of the weights, but no less than above: what the keys and values of a group may take
while notes are written, each segment's once, and room for its notes. The larger the model, the
more a step costs, whatever the number of texts."""
MAX_GROUP_SEGMENTS = 24
MAX_SHORT_SEGMENTS = 12
"""Of a short book: a longer one fills a batch by itself."""
NOTE_TOKENS = 64

Group = list["Branch"]
"""What is to be written: notes on some segments, those on one after each other."""
Steps = Generator[Group, Sequence[Draft], None]
"""Gives what is to be written, and takes what was."""


def note_recipe(model: Model, instructions: Instructions) -> str:
    """Hash what notes depend on besides the model's memory and the text."""
    is_taught = writes_as_taught(model, instructions)
    taught = [model.writer] if is_taught else []
    if model.salience is not None:
        taught.append(model.salience_sha256)
    return prompts.notes_recipe(
        NOTE_TOKENS,
        NO_REPEAT_NGRAM_SIZE,
        REPETITION_PENALTY,
        MIN_SUPPORT,
        NOTE_REACH,
        NAME_REACH,
        questions=[instructions.question(is_taught=is_taught), *taught],
    )


def writes_as_taught(model: Model, instructions: Instructions) -> bool:
    """Tell whether the model was taught to write the notes that are asked for.

    It was taught to tell a sentence that it is shown; without what tells which, it writes as any.
    """
    is_able = bool(model.writer) and model.salience is not None
    return is_able and instructions.note == prompts.NOTE


def advance(steps: Steps, drafts: Sequence[Draft] | None) -> Group:
    """Have a pass go on to where it stops again; gives what is to be written, nothing at its end.

    Args:
        steps: the pass.
        drafts: what it stopped for; None: it begins.
    """
    try:
        return next(steps) if drafts is None else steps.send(drafts)
    except StopIteration:
        return []


def write_notes(
    model: Model,
    group: Group,
    progress: Progress,
    *,
    done: int,
    total: int,
    independent: bool,
    is_taught: bool,
) -> list[Draft]:
    """Write what passes over books stopped for, as one batch.

    Args:
        model: who writes.
        group: what to write.
        progress: told of tokens.
        done: texts written before, for display.
        total: texts in all, for display.
        independent: whether each is to be the same whatever is written beside it.
        is_taught: whether the model writes as it was taught to write notes.
    """
    return write_branches(
        model,
        group,
        sampling=SamplingRequest(),
        progress=progress,
        what="notes",
        done=done,
        total=total,
        independent=independent,
        is_taught=is_taught,
    )


def max_group_bytes(model: Model) -> int:
    """Give the most bytes that the keys and values of a group may take."""
    return max(MIN_GROUP_BYTES, int(GROUP_SHARE * model.decoder.num_bytes))


def by_segment(group: Iterable[Branch]) -> list[list[Branch]]:
    """Put together what continues the same segment; such branches follow each other."""
    return [list(branches) for _, branches in groupby(group, key=lambda one: id(one.cache))]


def num_bytes(branches: Sequence[Branch], *, independent: bool) -> int:
    """Give the bytes of keys and values that writing after one segment takes.

    Args:
        branches: that continue the segment.
        independent: as for `write_notes`.
    """
    from infini_models.branch_cache import ATTENTION_BLOCK, aligned

    if not branches or (cache := branches[0].cache) is None:
        return 0
    room = max(len(branch.prompt) + branch.max_tokens for branch in branches)
    num_places = cache.num_tokens + room * len(branches)
    return (
        cache.num_bytes
        * aligned(num_places, ATTENTION_BLOCK if independent else 1)
        // cache.num_tokens
    )
