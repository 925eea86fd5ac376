"""Which heads of a base copy a pass key that lies in the window: where to put a memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from infini_cli.evaluation import passkey
from infini_cli.evaluation.haystack import Prompt
from infini_cli.tasks.model import Model

LENGTH = 400
"""Tokens of a prompt: within any window, and mostly filler."""


@dataclass(frozen=True, slots=True)
class LayerHeads:
    """The heads of one layer.

    Attributes:
        layer: from 0.
        shares: what each query head spends on the digit that comes next, of its attention at the
            token before it, 0 to 1.
    """

    layer: int
    shares: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


def evaluate_heads(model: Model, *, num_samples: int, seed: int) -> list[LayerHeads]:
    """Measure every layer's heads, first layer first.

    Args:
        model: whose base is looked at; a memory is off.
        num_samples: prompts.
        seed: of what is drawn.
    """
    import torch
    from infini_models.heads import attention_shares

    prompts = passkey.filler_prompts(
        model.tokenizer, length=LENGTH, num_samples=num_samples, seed=seed
    )
    found = []
    for prompt in prompts:
        ids = (*prompt.context, *prompt.question, *prompt.answer)
        found.append(attention_shares(model.decoder, ids, copied(prompt)))
    mean_LH = torch.stack(found).mean(dim=0)
    return [LayerHeads(layer, tuple(row)) for layer, row in enumerate(mean_LH.tolist())]


def copied(prompt: Prompt) -> dict[int, list[int]]:
    """Give, for the token before each token of the answer, where that token stands in the text."""
    size = len(prompt.answer)
    starts = [
        start
        for start in range(len(prompt.context) - size + 1)
        if prompt.context[start : start + size] == prompt.answer
    ]
    before = len(prompt.context) + len(prompt.question) - 1
    return {before + digit: [start + digit for start in starts] for digit in range(size)}
