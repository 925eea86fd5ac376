"""Cutting a prompt into the windows that a model reads, one after the other.

What a segment begins with is not written to a memory: pretrained models rest their attention on the
first tokens of whatever they see (see `NUM_SINKS`). Where a book is read, these are the words that
frame it. Here each window but the first begins with the last tokens of the one before, so that all
of the context is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from infini_cli.tokens.sentence_ends import REACH, SentenceEnds

MAX_REPEATED = 4
"""The most tokens of the window before that one begins with: as many as a model rests on."""


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens that are seen together.

    Attributes:
        ids: at least one.
        num_repeated: of them were seen in the window before, and are not to be written again.
    """

    ids: tuple[int, ...]
    num_repeated: int = 0

    @property
    def num_new(self) -> int:
        """Tokens that the window before did not have."""
        return len(self.ids) - self.num_repeated


def cut_windows(
    context: Sequence[int], ends: SentenceEnds, size: int, num_question: int
) -> list[Window]:
    """Cut a context at sentences' ends.

    Args:
        context: token ids, at least one.
        ends: of sentences.
        size: the most tokens of a window.
        num_question: tokens for which the last window leaves room.
    """
    most_repeated = min(MAX_REPEATED, size - 1)
    room = max(1, size - num_question - most_repeated)
    last = len(context) - room
    if last > 0:
        reach = range(last, min(len(context), last + size // REACH))
        last = next((place for place in reach if ends.is_end(context, place)), last)
    before = context[: max(0, last)]
    cuts = ends.cut(before, size - most_repeated) if before else []
    windows = []
    for start, end in pairwise(dict.fromkeys((0, *cuts, len(before), len(context)))):
        num_repeated = min(most_repeated, start)
        windows.append(Window(tuple(context[start - num_repeated : end]), num_repeated))
    return windows
