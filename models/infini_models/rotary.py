"""Rotary position embedding (Su et al. 2021), in the half-split layout of Llama checkpoints."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from infini_models.config import DecoderConfig


def rotary_frequencies(config: DecoderConfig) -> Tensor:
    """Give the angles turned per position, float32 [head_dim / 2], in radians."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    frequencies = config.rope_theta**-exponents
    scaling = config.rope_scaling
    if scaling is None:
        return frequencies
    # Llama 3.1: long wavelengths are stretched, short ones kept, those between interpolated.
    wavelengths = 2 * math.pi / frequencies
    turns = scaling.original_max_position_embeddings / wavelengths
    blend = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    blend = blend.clamp(0, 1)
    return (1 - blend) * frequencies / scaling.factor + blend * frequencies


def rotary_tables(frequencies: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Give cosines and sines for positions.

    Args:
        frequencies: float32 [head_dim / 2].
        positions: integers, any shape `...`.

    Returns:
        two float32 tensors of shape [..., head_dim].
    """
    angles = positions.float().unsqueeze(-1) * frequencies
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn pairs (i, i + head_dim / 2) of the last dimension; keeps dtype and shape."""
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return (x * cosine + turned * sine).to(x.dtype)
