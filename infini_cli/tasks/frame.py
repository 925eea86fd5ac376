"""What stands around a page when a model reads it, the same wherever pages are read."""

from __future__ import annotations

from dataclasses import dataclass

from infini_cli.tasks import prompts
from infini_cli.tasks.model import Model
from infini_cli.tokens.chat import Message


@dataclass(frozen=True, slots=True)
class Frame:
    """The chat around a page.

    Attributes:
        before: ids before the page: seen locally, never written to the memory.
        after: ids after a question on it, where the answer begins.
    """

    before: list[int]
    after: list[int]


def frame(model: Model) -> Frame:
    """Give what stands around a page."""
    turn = [Message("system", prompts.SYSTEM), Message("user", "")]
    split = model.chat.split(turn, 1)
    introduction = model.tokenizer.encode(prompts.PART_INTRODUCTION)
    return Frame([*split.before, *introduction], list(split.after))
