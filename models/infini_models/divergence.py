"""The divergence of a model's distributions from a teacher's, and its gradient, in one pass.

A vocabulary has tens of thousands of tokens, so that each elementwise step over the scores of a
segment goes through hundreds of megabytes: written as such steps, the divergence took a third of a
training step. Here a few rows at a time stay in the processor's cache, and the gradient, which
needs the same softmax, is kept in the place of the teacher's scores.

Shape suffixes: T tokens, V vocabulary, X rows at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS_AT_ONCE = 4


class _Divergence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores_TV: Tensor, wanted_TV: Tensor) -> Tensor:
        losses_T = torch.empty(len(scores_TV))
        for start in range(0, len(scores_TV), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            given_XV, wanted_XV = (t[rows].log_softmax(dim=-1) for t in (scores_TV, wanted_TV))
            teacher_XV = wanted_XV.exp()
            losses_T[rows] = torch.linalg.vecdot(teacher_XV, wanted_XV.sub_(given_XV))
            torch.sub(given_XV.exp_(), teacher_XV, out=wanted_TV[rows])
        ctx.gradient_TV = wanted_TV
        return losses_T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_T: Tensor) -> tuple[Tensor, None]:
        return ctx.gradient_TV * gradient_T[:, None], None


def divergence(scores_TV: Tensor, wanted_TV: Tensor) -> Tensor:
    """Give KL(teacher, model) of each token, in nats.

    Args:
        scores_TV: the model's scores, float32.
        wanted_TV: the teacher's, float32; no gradient reaches them, and they are overwritten.

    Returns:
        float32 [T].
    """
    losses_T: Tensor = _Divergence.apply(scores_TV, wanted_TV)  # type: ignore[no-untyped-call]
    return losses_T
