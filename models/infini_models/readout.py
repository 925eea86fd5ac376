"""Read a number off a layer's activations, for each token: a linear probe.

What a model makes of a sentence while it reads on can tell more than it was taught to say of it
(probes: Alain and Bengio 2016). The weights are found by ridge regression; a token costs one
product of vectors in a pass that is made anyway.

Shape suffixes: B batch rows, S tokens, D model width.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from infini_models.config import DecoderConfig
from infini_models.errors import WeightsError
from infini_models.tensor_file import load_tensors, read_metadata

METADATA_KEY = "infini_readout"
WEIGHT = "weight_D"


@dataclass(frozen=True, slots=True)
class Readout:
    """A linear function of the direction of activations.

    Attributes:
        layer: how many layers the activations have gone through, at least 1.
        weight_D: float32.
    """

    layer: int
    weight_D: Tensor

    def __call__(self, activations_BSD: Tensor) -> Tensor:
        """Give a float32 number for each token, [B, S]."""
        return directions(activations_BSD) @ self.weight_D


def directions(activations_BSD: Tensor) -> Tensor:
    """Give float32 activations of length 1: some tokens have a hundred times that of others."""
    return torch.nn.functional.normalize(activations_BSD.float(), dim=-1)


def serialize_readout(readout: Readout) -> bytes:
    """Give a readout as the bytes of a file."""
    facts = json.dumps({"layer": readout.layer})
    return save({WEIGHT: readout.weight_D.float().contiguous()}, {METADATA_KEY: facts})


def load_readout(path: Path, config: DecoderConfig) -> Readout:
    """Read a readout.

    Args:
        path: what `serialize_readout` gave.
        config: of the decoder that it is for.

    Raises:
        WeightsError: the file is damaged, or is not for this decoder.
    """
    text, tensors = read_metadata(path, METADATA_KEY), load_tensors(path)
    try:
        layer = int(json.loads(text or "{}")["layer"])
        weight_D = tensors[WEIGHT].float()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"`{path.name}` holds no readout") from error
    if weight_D.shape != (config.hidden_size,) or not 1 <= layer <= config.num_layers:
        raise WeightsError(f"`{path.name}` does not fit: it is for another model")
    if not torch.isfinite(weight_D).all():
        raise WeightsError(f"`{path.name}` has numbers that are none")
    return Readout(layer, weight_D)
