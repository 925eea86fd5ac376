"""A correction of low rank to a projection that stays as it is (LoRA, Hu et al. 2022).

Shape suffixes: I inputs, O outputs, R rank.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from infini_models.linear import multiply


class LowRank(nn.Module):
    """What is added to a projection: zero until it is trained."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down_RI = nn.Parameter(torch.empty(rank, inputs))
        self.up_OR = nn.Parameter(torch.zeros(outputs, rank))

    @torch.no_grad()
    def reset(self, generator: torch.Generator) -> None:
        """Start as zero, its inner half random."""
        self.down_RI.normal_(0.0, self.down_RI.shape[1] ** -0.5, generator=generator)
        self.up_OR.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension, in the dtype of what comes in."""
        narrow = multiply(x, self.down_RI.to(x.dtype))
        return multiply(narrow, self.up_OR.to(x.dtype))
