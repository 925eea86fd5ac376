"""The memory as named tensors, to be saved and restored bit for bit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from infini_models.errors import SnapshotError
from infini_models.memory import LayerMemory, Memory


def memory_tensors(memory: Memory) -> dict[str, Tensor]:
    """Name every layer's M and z: `layers.3.memory`, `layers.3.normalizer`."""
    tensors: dict[str, Tensor] = {}
    for index, layer in enumerate(memory):
        tensors[f"layers.{index}.memory"] = layer.memory_BNKV.contiguous()
        tensors[f"layers.{index}.normalizer"] = layer.normalizer_BNK.contiguous()
    return tensors


def memory_from_tensors(tensors: Mapping[str, Tensor], empty: Memory) -> Memory:
    """Restore what `memory_tensors` named; other tensors are ignored.

    Args:
        tensors: by name, each [batch, ...].
        empty: the decoder's empty memory, for its shapes.

    Raises:
        SnapshotError: a tensor is missing, of another shape or type, or not finite.
    """
    layers: list[LayerMemory] = []
    for index, layer in enumerate(empty):
        shapes = {
            "memory": tuple(layer.memory_BNKV.shape[1:]),
            "normalizer": tuple(layer.normalizer_BNK.shape[1:]),
        }
        parts: list[Tensor] = []
        for part, shape in shapes.items():
            name = f"layers.{index}.{part}"
            tensor = tensors.get(name)
            if tensor is None:
                raise SnapshotError(f"tensor `{name}` is missing")
            if tensor.dtype != torch.float32 or tuple(tensor.shape[1:]) != shape:
                found = f"{list(tensor.shape)} of {tensor.dtype}"
                raise SnapshotError(f"tensor `{name}` is {found}, not [batch, {shape}] of float32")
            if not bool(torch.isfinite(tensor).all()):
                raise SnapshotError(f"tensor `{name}` is not finite")
            parts.append(tensor)
        layers.append(LayerMemory(*parts))
    return tuple(layers)
