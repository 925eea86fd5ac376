"""Rates and read gates that open where something is told or asked, and nowhere else.

    s(w x + b) near 1 for labelled tokens, 0 for all others        (see `gates.py`)

A gate of two parts, of a token and of the mean of those before it, is one of both side by side.

Shape suffixes: T tokens, D model width, as often as a gate has parts; H heads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from infini_models.gates import FLOOR, MARGIN, floored_sigmoid, gate_scores
from infini_models.labelled import Labelled, mean

OPEN_SCORE = 4.0
"""What scores of gates should reach: a sigmoid of 0.98."""
SHUT_WEIGHT = 3.0
"""What should go by unwritten counts more: it is the most of any text."""
WEIGHT_PENALTY = 0.01
LEAST_DEVIATION = 1e-4


def fit_gate(parts: Sequence[nn.Linear], tokens: Labelled) -> None:
    """Open a gate, the same for all heads, where tokens are labelled, and shut it elsewhere.

    A squared hinge of each kind's scores, each kind's mean.

    Args:
        parts: of the gate, the first with its bias.
        tokens: `x_TD` holds what each part sees.
    """
    wanted_T, x_TD = tokens.subject_T >= 0, tokens.x_TD.float()
    mean_D, deviation_D = x_TD.mean(dim=0), x_TD.std(dim=0) + LEAST_DEVIATION
    x_TD = (x_TD - mean_D) / deviation_D
    shut_score = math.log(FLOOR) - MARGIN
    weight_D = torch.zeros(x_TD.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight_D, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        score_T = x_TD @ weight_D + bias
        shy_T = (OPEN_SCORE - score_T[wanted_T]).clamp_min(0.0)
        loud_T = (score_T[~wanted_T] - shut_score).clamp_min(0.0)
        found: Tensor = (
            mean(shy_T.square())
            + SHUT_WEIGHT * mean(loud_T.square())
            + WEIGHT_PENALTY * weight_D.square().sum()
        )
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        own_D = weight_D / deviation_D
        for part, of_part_D in zip(parts, own_D.chunk(len(parts)), strict=True):
            part.weight.copy_(of_part_D.expand_as(part.weight))
        parts[0].bias.copy_((bias - own_D @ mean_D).expand_as(parts[0].bias))


@torch.no_grad()
def opened(parts: Sequence[nn.Linear], tokens: Labelled) -> tuple[float, float]:
    """Give how far a gate opens for labelled tokens, and for the others; means, 0 to 1."""
    seen = tokens.x_TD.chunk(len(parts), dim=1)
    scores_TH = [gate_scores(part, x_TD) for part, x_TD in zip(parts, seen, strict=True)]
    open_T = floored_sigmoid(torch.stack(scores_TH).sum(dim=0))[:, 0]
    wanted_T = tokens.subject_T >= 0
    return float(mean(open_T[wanted_T])), float(mean(open_T[~wanted_T]))
