"""Corrections of low rank (LoRA, Hu et al. 2022), on while a model writes and off while it reads.

A book is read by the base as it is, so that keys, values and memory are the base's own; what is
written after a segment may go through corrected projections. So a correction is trained on what is
written alone, and a page that was read once serves every pass over it.

Shape suffixes: I input features, O output features, R rank.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from infini_models.decoder import Decoder
from infini_models.errors import WeightsError
from infini_models.linear import Int8Linear, Linear, multiply
from infini_models.tensor_file import load_tensors, read_metadata

METADATA_KEY = "writer"
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
SCALE = 2.0
"""Of what a correction adds; with it the learning rate suits ranks from 4 to 16."""


class Corrected(nn.Module):
    """A projection and what is added to it while `is_on`.

    Args:
        base: stays as it is.
        num_inputs, num_outputs: of the base.
        rank: of the correction.
        dtype: of the correction.
    """

    def __init__(
        self, base: nn.Module, num_inputs: int, num_outputs: int, rank: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.base = base
        self.down_RI = nn.Parameter(torch.zeros(rank, num_inputs, dtype=dtype))
        self.up_OR = nn.Parameter(torch.zeros(num_outputs, rank, dtype=dtype))
        self.is_on = False

    def forward(self, x: Tensor) -> Tensor:
        """Project the last dimension."""
        y: Tensor = self.base(x)
        if not self.is_on:
            return y
        inner = multiply(x.to(self.down_RI.dtype), self.down_RI)
        return y + (SCALE * multiply(inner, self.up_OR)).to(y.dtype)


def grow_corrections(decoder: Decoder, rank: int, seed: int = 0) -> None:
    """Give a decoder corrections that add nothing yet, float32 and trainable.

    Args:
        decoder: changed in place.
        rank: of every correction.
        seed: of their inner halves.
    """
    generator = torch.Generator().manual_seed(seed)
    for corrected in _wrap(decoder, rank, torch.float32).values():
        with torch.no_grad():
            width = corrected.down_RI.shape[1]
            corrected.down_RI.normal_(0.0, width**-0.5, generator=generator)


def restore_corrections(decoder: Decoder, path: Path, dtype: torch.dtype | None = None) -> None:
    """Give a decoder the corrections of a file.

    Args:
        decoder: changed in place.
        path: what `serialize_corrections` gave.
        dtype: of the corrections; None: what the decoder computes in.

    Raises:
        WeightsError: the file is damaged, or is not for this decoder.
    """
    text, tensors = read_metadata(path, METADATA_KEY), load_tensors(path)
    try:
        rank = int(json.loads(text or "{}")["rank"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"`{path.name}` holds no corrections") from error
    if not 1 <= rank <= decoder.config.hidden_size:
        raise WeightsError(f"`{path.name}` has corrections of rank {rank}")
    corrections = _wrap(decoder, rank, dtype or decoder.dtype)
    wanted = {
        f"{name}.{part}": parameter
        for name, corrected in corrections.items()
        for part, parameter in (("down_RI", corrected.down_RI), ("up_OR", corrected.up_OR))
    }
    odd = sorted(tensors.keys() ^ wanted.keys())
    odd += [n for n, p in wanted.items() if n in tensors and tensors[n].shape != p.shape]
    if odd:
        raise WeightsError(f"`{path.name}` does not fit: `{odd[0]}`")
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(tensors[name])
            parameter.requires_grad_(False)


def serialize_corrections(decoder: Decoder, dtype: torch.dtype = torch.bfloat16) -> bytes:
    """Give a decoder's corrections as the bytes of a file."""
    corrections = corrections_of(decoder)
    tensors: dict[str, Tensor] = {}
    for name, corrected in corrections.items():
        tensors[f"{name}.down_RI"] = corrected.down_RI.detach().to(dtype).contiguous()
        tensors[f"{name}.up_OR"] = corrected.up_OR.detach().to(dtype).contiguous()
    rank = next(iter(corrections.values())).down_RI.shape[0]
    return save(tensors, {METADATA_KEY: json.dumps({"rank": rank})})


def corrections_of(decoder: Decoder) -> dict[str, Corrected]:
    """Give the corrected projections by name; none of a plain decoder."""
    return {n: module for n, module in decoder.named_modules() if isinstance(module, Corrected)}


@contextmanager
def corrected(decoder: Decoder) -> Iterator[None]:
    """Have corrections on, where a decoder has any."""
    found = corrections_of(decoder).values()
    for module in found:
        module.is_on = True
    try:
        yield
    finally:
        for module in found:
            module.is_on = False


def _wrap(decoder: Decoder, rank: int, dtype: torch.dtype) -> dict[str, Corrected]:
    for layer in decoder.layers:
        parts: list[tuple[Any, tuple[str, ...]]] = [
            (layer.self_attn, ATTENTION),
            (layer.mlp, FEED_FORWARD),
        ]
        for parent, names in parts:
            for name in names:
                base = getattr(parent, name)
                assert isinstance(base, Linear | Int8Linear)
                shape = (base.in_features, base.out_features)
                setattr(parent, name, Corrected(base, *shape, rank, dtype))
    return corrections_of(decoder)
