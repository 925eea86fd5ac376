"""A convolution of each channel along the tokens: what stands before a token becomes part of it.

Shape suffixes: B batch rows, H heads (of queries or keys), S tokens, D model width, K head
width, T taps, W tokens before the first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ShortConvolution(nn.Module):
    """Makes each channel a weighted sum of a token's own and of those before it (Yang et al. 2024).

    Args:
        heads, width: of what is convolved.
        num_taps: tokens that count, the token itself included.
    """

    def __init__(self, heads: int, num_taps: int, width: int) -> None:
        super().__init__()
        self.num_before = num_taps - 1
        self.taps_HTK = nn.Parameter(torch.empty(heads, num_taps, width))

    @torch.no_grad()
    def reset(self) -> None:
        """Start with the token itself alone."""
        self.taps_HTK.zero_()
        self.taps_HTK[:, 0] = 1.0

    @torch.no_grad()
    def reset_to_mean(self) -> None:
        """Start with the mean of the tokens; of those before the first as if they were zero."""
        self.taps_HTK.fill_(1.0 / self.taps_HTK.shape[1])

    def forward(self, x_BHSK: Tensor, before_BHWK: Tensor | None = None) -> Tensor:
        """Convolve along the tokens, float32.

        Args:
            x_BHSK: keys or queries.
            before_BHWK: those of the W = T - 1 tokens before; None: zeros.
        """
        x_BHSK = x_BHSK.float()
        num_tokens = x_BHSK.shape[2]
        if before_BHWK is None:
            x_BHSK = functional.pad(x_BHSK, (0, 0, self.num_before, 0))
        else:
            x_BHSK = torch.cat((before_BHWK.float(), x_BHSK), dim=2)
        total_BHSK = torch.zeros_like(x_BHSK[:, :, self.num_before :])
        for tap in range(self.num_before + 1):
            start = self.num_before - tap
            shifted_BHSK = x_BHSK[:, :, start : start + num_tokens]
            total_BHSK = total_BHSK + shifted_BHSK * self.taps_HTK[:, tap, None]
        return total_BHSK


def moving_mean(x_BSD: Tensor, num_taps: int) -> Tensor:
    """Give what a convolution that starts with the mean makes of a segment, in its dtype.

    Args:
        x_BSD: tokens, of any width; those before the first count as zero.
        num_taps: of which the mean is taken, each token and those before it.
    """
    padded_BSD = functional.pad(x_BSD.float(), (0, 0, num_taps - 1, 0))
    return padded_BSD.unfold(1, num_taps, 1).mean(dim=-1).to(x_BSD.dtype)
