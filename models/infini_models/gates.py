"""Gates that reach zero: how much of a token is written, and how far it opens to what is read.

    s(y) = max(0, (1 + f) sigmoid(y) - f)

A sigmoid is never zero, and a thousandth of each of a million tokens wears a memory away. With a
floor it is zero for low scores; no gradient passes there, so training pushes what is just below.

Shape suffixes: B batch rows, S tokens, D model width, H heads.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from infini_models.linear import multiply

FLOOR = 0.15
"""f above."""

MARGIN = 1.6
"""How far below the score of a rate of zero training pushes what is to go by unwritten, or unread:
a token that only just does so in the texts of training is written in others."""


class ReadGate(nn.Linear):
    """How far each head opens to what it reads; a module, so that training can watch it."""

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Give s(u x + c) of every token, float32 [B, S, H]."""
        return floored_sigmoid(self.scores(x_BSD))

    def scores(self, x_BSD: Tensor) -> Tensor:
        """Give u x + c of every token, float32 [B, S, H]."""
        return gate_scores(self, x_BSD)


def gate_scores(gate: nn.Linear, x_BSD: Tensor) -> Tensor:
    """Give w x + b of every token, float32."""
    return multiply(x_BSD.float(), gate.weight, gate.bias)


def floored_sigmoid(score: Tensor) -> Tensor:
    """Give a rate or a gate for a score w x + b: 0 to 1, and 0 itself where the score is low."""
    return ((1.0 + FLOOR) * score.sigmoid() - FLOOR).clamp_min(0.0)


def push(score: Tensor) -> Tensor:
    """Give zeros whose gradient is that of a rate at its floor, for scores up to `MARGIN` below.

    What is written, or read, is a rate's or a gate's own affair; a penalty on how much takes this
    too.
    """
    zero = math.log(FLOOR)
    slope = FLOOR / (1.0 + FLOOR)
    pushed = slope * score.clamp(zero - MARGIN, zero)
    return pushed - pushed.detach()
