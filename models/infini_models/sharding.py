"""Training on several processes: each holds a part of every tensor (torch's FSDP).

A layer's tensors are gathered when it reads a segment and let go of afterwards; gradients of the
memory's branches are averaged over the processes and kept in parts as well.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

from infini_models.decoder import Decoder
from infini_models.memory import LayerMemory


def shard(decoder: Decoder) -> None:
    """Leave this process its part of a decoder's tensors; reading and logits work as before.

    Gradients are means over the processes. Every process has to read as many segments as the
    others, and to send gradients back through each.

    Args:
        decoder: whole, and the same in every process; changed in place.

    Raises:
        ValueError: there is no process group.
    """
    if not torch.distributed.is_initialized():
        raise ValueError("sharding needs a process group")
    # Gradients that come back through the memory gather a layer's tensors too.
    if LayerMemory not in torch.utils._pytree.SUPPORTED_NODES:
        torch.export.register_dataclass(LayerMemory)
    layers: list[nn.Module] = list(decoder.layers)
    for layer in layers:
        fully_shard(layer)
        register_fsdp_forward_method(layer, "read_segment")
    fully_shard(decoder)
    for method in ("read_segment", "logits"):
        register_fsdp_forward_method(decoder, method)
