"""Where to put a memory: by which heads of a base copy a pass key, and whose values tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infini_cli.evaluation import passkey
from infini_cli.evaluation.haystack import Prompt
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from torch import Tensor

LENGTH = 400
"""Tokens of a prompt: within any window, and mostly filler."""


@dataclass(frozen=True, slots=True)
class LayerHeads:
    """The heads of one layer.

    Attributes:
        layer: from 0.
        shares: what each query head spends on the digit that comes next, of its attention at the
            token before it, 0 to 1.
        tells: share of the digits that the layer would say if it looked at them alone; of the
            digits there are, by what differs from their mean. 0 to 1.
    """

    layer: int
    shares: tuple[float, ...]
    tells: float

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
    from infini_models.heads import attention_shares, value_outputs

    prompts = passkey.filler_prompts(
        model.tokenizer, length=LENGTH, num_samples=num_samples, seed=seed
    )
    found, said, digits = [], [], []
    for prompt in prompts:
        ids = (*prompt.context, *prompt.question, *prompt.answer)
        found.append(attention_shares(model.decoder, ids, copied(prompt)))
        places = [mark.place for mark in prompt.told]
        said.append(value_outputs(model.decoder, prompt.context, places))
        digits += [prompt.context[place] for place in places]
    mean_LH = torch.stack(found).mean(dim=0)
    tells_L = _tells(model, torch.cat(said, dim=1), digits)
    return [
        LayerHeads(layer, tuple(row), tells)
        for layer, (row, tells) in enumerate(zip(mean_LH.tolist(), tells_L, strict=True))
    ]


def _tells(model: Model, said_LTD: Tensor, digits: Sequence[int]) -> list[float]:
    import torch

    known = sorted(set(digits))
    wanted_T = torch.tensor([known.index(digit) for digit in digits])
    tells = []
    with torch.inference_mode():
        # A layer at a time: scores are of the whole vocabulary.
        for said_TD in said_LTD:
            scores_TV = model.decoder.logits(said_TD - said_TD.mean(dim=0))
            right_T = scores_TV[:, known].argmax(dim=-1) == wanted_T
            tells.append(float(right_T.float().mean()))
    return tells


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
