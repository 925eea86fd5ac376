"""Convolutions along the tokens."""

from __future__ import annotations

import pytest
import torch
from infini_models.convolution import ShortConvolution, moving_mean


@pytest.mark.parametrize("num_taps", [1, 3, 9])
def test_a_moving_mean_is_what_the_taps_of_a_mean_give(num_taps: int) -> None:
    convolution = ShortConvolution(2, num_taps, 4)
    convolution.reset_to_mean()
    x_BHSK = torch.randn(3, 2, 7, 4, generator=torch.Generator().manual_seed(1))
    x_BSD = x_BHSK.transpose(1, 2).flatten(2)
    mean_BSD = moving_mean(x_BSD, num_taps)
    with torch.no_grad():
        expected = convolution(x_BHSK).transpose(1, 2).flatten(2)
    torch.testing.assert_close(mean_BSD, expected)
    # Each token of what stands before it, and nothing of what stands after.
    assert torch.allclose(mean_BSD[:, 0], x_BSD[:, 0] / num_taps)
    assert moving_mean(x_BSD.bfloat16(), num_taps).dtype == torch.bfloat16
