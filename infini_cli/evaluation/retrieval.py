"""Read prompts through a memory and see whether the answers come out of it.

Each condition reads the same prompts: `memory` as the model is meant to work; `memory off`, the
base model with nothing but its window; `other memory`, the memory of another prompt's text in
place of its own, which shows what can be guessed. Both controls are to be at chance.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from infini_cli.evaluation.passkey import Haystack, PasskeyPrompt, make_prompt
from infini_cli.progress import Progress, Read
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.decoder import Memory

CONDITIONS = ("memory", "memory off", "other memory")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one condition gave at one length and depth.

    Attributes:
        condition: one of `CONDITIONS`.
        length: tokens of the prompts.
        depth: where the fact stood, 0 to 1.
        num_samples: prompts.
        token_accuracy: share of the keys' tokens that are right, each guessed after the greedily
            written ones before it, 0 to 1.
        exact: share of keys that are right as a whole, 0 to 1.
        seconds: wall time.
    """

    condition: str
    length: int
    depth: float
    num_samples: int
    token_accuracy: float
    exact: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def evaluate_passkey(
    model: Model,
    haystack: Haystack,
    progress: Progress,
    *,
    lengths: Sequence[int],
    depths: Sequence[float],
    num_samples: int,
    num_facts: int,
    seed: int,
    controls: bool,
) -> Iterator[Cell]:
    """Measure every length and depth, the shortest first.

    Args:
        model: who reads.
        haystack: what the facts are hidden in.
        progress: told of segments.
        lengths: tokens of the prompts.
        depths: places of the facts, 0 to 1.
        num_samples: prompts of each cell.
        num_facts: facts in each prompt, one of which is asked for.
        seed: of everything that is drawn.
        controls: whether the controls are measured too.

    Raises:
        UsageError: a length leaves no room for the facts.
    """
    for length in sorted(lengths):
        for depth in depths:
            prompts = [
                make_prompt(
                    model.tokenizer,
                    haystack,
                    length=length,
                    depth=depth,
                    num_facts=num_facts,
                    # A cell's prompts do not depend on which other cells are measured.
                    draw=random.Random(f"{seed} {length} {depth} {num_facts} {sample}"),
                )
                for sample in range(num_samples)
            ]
            yield from _measure(model, prompts, length, depth, progress, controls)


def _measure(
    model: Model,
    prompts: Sequence[PasskeyPrompt],
    length: int,
    depth: float,
    progress: Progress,
    controls: bool,
) -> Iterator[Cell]:
    start = time.monotonic()
    memories = [
        _read(model, prompt, progress, f"{number} of {len(prompts)}")
        for number, prompt in enumerate(prompts, start=1)
    ]
    given: dict[str, Sequence[Memory | None]] = {"memory": memories}
    if controls:
        given["memory off"] = [None] * len(prompts)
        if len(prompts) > 1:
            given["other memory"] = [*memories[1:], memories[0]]
    for condition, chosen in given.items():
        right = [
            _answer(model, prompt, memory) for prompt, memory in zip(prompts, chosen, strict=True)
        ]
        digits = [digit for answer in right for digit in answer]
        yield Cell(
            condition=condition,
            length=length,
            depth=depth,
            num_samples=len(prompts),
            token_accuracy=sum(digits) / len(digits),
            exact=sum(map(all, right)) / len(right),
            seconds=round(time.monotonic() - start, 1),
        )
        start = time.monotonic()


def _segments(model: Model, prompt: PasskeyPrompt) -> list[tuple[int, ...]]:
    """Cut the context; the last piece and the question together are no longer than a segment."""
    size = model.segment_length
    last = min(max(1, size - len(prompt.question)), len(prompt.context))
    before = len(prompt.context) - last
    cuts = [*range(0, before, size), before]
    pieces = [prompt.context[a:b] for a, b in pairwise(cuts)]
    return [*pieces, prompt.context[before:]]


def _read(model: Model, prompt: PasskeyPrompt, progress: Progress, name: str) -> Memory:
    """Give the memory of all segments but the last, which the window holds."""
    import torch

    memory = model.decoder.empty_memory()
    segments = _segments(model, prompt)
    start, tokens = time.monotonic(), 0
    total = len(prompt.context)
    for index, segment in enumerate(segments[:-1], start=1):
        with torch.inference_mode():
            result = model.decoder.read_segment(torch.tensor([segment]), memory, memory_only=True)
        assert result.memory is not None
        memory = result.memory
        tokens += len(segment)
        rate = tokens / max(time.monotonic() - start, 1e-9)
        left = (total - tokens) / rate
        title = f"prompt of {prompt.num_tokens:,} tokens"
        progress(Read(title, name, index, index, len(segments), tokens, total, rate, left))
    return memory


def _answer(model: Model, prompt: PasskeyPrompt, memory: Memory | None) -> list[bool]:
    """Tell of each token of the key whether it was written."""
    from infini_models.generate import Branch, read_prompt, write_branches
    from infini_models.sampling import Sampling

    window = (*_segments(model, prompt)[-1], *prompt.question)
    branch = read_prompt(model.decoder, Branch(window, len(prompt.answer), None, memory))
    (written,) = write_branches(model.decoder, [branch], Sampling(), ())
    return [a == b for a, b in zip(written.ids, prompt.answer, strict=True)]
