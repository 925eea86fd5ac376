"""The feature map of a memory branch: softmax of learned rows and their negatives, unit length.

    phi(x) = softmax(W (x - c), -W (x - c)), scaled to unit length  (Hedgehog, Zhang et al. 2024)
             or of s W (x - c) / rms(W (x - c)), with s the `sharpness`

Shape suffixes: B batch rows, H heads, S tokens, K head width, F rows of a map, P features (2F).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPS = 1e-12
"""Added to a mean square, whose root would else have no gradient at zero."""


def hedgehog(x_BHSK: Tensor, center_H1K: Tensor, map_HFK: Tensor, sharpness: float) -> Tensor:
    """Give phi, float32 [B, H, S, P].

    Args:
        x_BHSK: queries or keys.
        center_H1K: c.
        map_HFK: W.
        sharpness: s; 0: the softmax takes what W gives.
    """
    mapped_BHSF = (x_BHSK.float() - center_H1K) @ map_HFK.transpose(-1, -2)
    if sharpness:
        mapped_BHSF = sharpness * functional.rms_norm(mapped_BHSF, mapped_BHSF.shape[-1:], eps=EPS)
    features_BHSP = torch.cat((mapped_BHSF, -mapped_BHSF), dim=-1).softmax(dim=-1)
    return functional.normalize(features_BHSP, dim=-1)
