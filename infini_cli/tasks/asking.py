"""Work that stops for what the model is to write, so that several such go on side by side.

A text that is made in steps, as a summary is, is a generator: it gives what it asks the model for
and is sent what was written. What several ask for at the same time is written as one batch, and
what their prompts have in common is read once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from infini_cli.progress import Progress
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.writer import Draft, write_prompts

if TYPE_CHECKING:
    from infini_models.memory import Memory

MAX_PROMPTS_AT_ONCE = 16
"""Each prompt's window is kept while its text is written."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Ask:
    """Texts that are asked for at once.

    Attributes:
        prompts: the user's turns.
        max_tokens: bound on each text.
        what: name of the work, for display.
        memory: what the model may retrieve from.
    """

    prompts: tuple[str, ...]
    max_tokens: int
    what: str
    memory: Memory | None = None


Asking = Generator[Ask, list[Draft], Made]
"""Work in the making; what it returns in the end is what was made."""


def make(
    works: Sequence[Asking[Made]],
    model: Model,
    sampling: SamplingRequest,
    progress: Progress,
) -> list[Made]:
    """Have works go on to their ends, side by side.

    Args:
        works: not yet begun; those that ask at the same time have one memory.
        model: who writes.
        sampling: how tokens are chosen.
        progress: told of tokens.

    Returns:
        what each made, in order.
    """
    made: dict[int, Made] = {}
    drafts: dict[int, list[Draft]] = {}
    while len(made) < len(works):
        asks: dict[int, Ask] = {}
        for index, work in enumerate(works):
            if index in made:
                continue
            try:
                asks[index] = next(work) if index not in drafts else work.send(drafts[index])
            except StopIteration as end:
                made[index] = end.value
        drafts = _write(asks, model, sampling, progress)
    return [made[index] for index in range(len(works))]


def _write(
    asks: dict[int, Ask], model: Model, sampling: SamplingRequest, progress: Progress
) -> dict[int, list[Draft]]:
    """Write what was asked for, in batches: first prompts first, as they are often alike."""
    drafts: dict[int, list[Draft]] = {index: [] for index in asks}
    numbered = [[(index, prompt) for prompt in ask.prompts] for index, ask in asks.items()]
    order = [one for group in zip_longest(*numbered) for one in group if one is not None]
    for start in range(0, len(order), MAX_PROMPTS_AT_ONCE):
        batch = order[start : start + MAX_PROMPTS_AT_ONCE]
        first = asks[batch[0][0]]
        written = write_prompts(
            model,
            [prompt for _, prompt in batch],
            max_tokens=[asks[index].max_tokens for index, _ in batch],
            sampling=sampling,
            progress=progress,
            what=first.what,
            memory=first.memory,
            done=start,
            total=len(order),
        )
        for (index, _), draft in zip(batch, written, strict=True):
            drafts[index].append(draft)
    return drafts
