"""Prompts made ready for writing: read at reading speed, and what they begin with only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.generate import Branch
    from infini_models.memory import Memory

SHARED_SHARE = 0.5
"""Of a prompt: what has less in common with its neighbour is read by itself, and faster so."""


def read_prompts(
    model: Model, ids: Sequence[list[int]], bounds: Sequence[int], memory: Memory | None = None
) -> list[Branch]:
    """Read prompts, all but their ends.

    Args:
        model: the model.
        ids: of each prompt.
        bounds: tokens that may be written after each.
        memory: what the model may retrieve from.

    Returns:
        what is to be written, one branch a prompt.
    """
    from infini_models.generate import Branch, read_beginning, read_prompt

    branches: list[Branch] = []
    for start, end, shared in _alike(ids):
        if end - start == 1:
            alone = Branch(ids[start], bounds[start], None, memory, stream=start)
            branches.append(read_prompt(model.decoder, alone))
            continue
        cache = read_beginning(model.decoder, ids[start][:shared], memory)
        branches += [
            Branch(ids[index][shared:], bounds[index], cache, memory, stream=index)
            for index in range(start, end)
        ]
    return branches


def _alike(prompts: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """Give runs of prompts that share most of their ids: from, to, and how many they share.

    The last id of a prompt is never shared: something has to be left to go on from.
    """
    runs: list[tuple[int, int, int]] = []
    for index, prompt in enumerate(prompts):
        if runs:
            start, _, shared = runs[-1]
            common = _num_common(prompts[start][:shared], prompt[:-1])
            if common >= SHARED_SHARE * max(map(len, prompts[start : index + 1])):
                runs[-1] = (start, index + 1, common)
                continue
        runs.append((index, index + 1, len(prompt) - 1))
    return runs


def _num_common(first: Sequence[int], second: Sequence[int]) -> int:
    pairs = zip(first, second, strict=False)
    least = min(len(first), len(second))
    return next((at for at, (one, other) in enumerate(pairs) if one != other), least)
