"""A tiny decoder with memory branches, and a text streamed through it."""

from __future__ import annotations

import torch
from infini_models.adapter import grow_branches
from infini_models.config import BranchConfig
from infini_models.decoder import Decoder
from torch import Tensor

from tests.infini_models.build import tiny_decoder

SEGMENT = 12
CONFIG = BranchConfig(layers=(0, 2), num_features=6, gain_init=0.5)


def branched(config: BranchConfig = CONFIG, form: str = "float32") -> Decoder:
    decoder = tiny_decoder(form=form)
    grow_branches(decoder, config)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if ".memory_branch." in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return decoder


def stream(decoder: Decoder, ids_BS: Tensor) -> tuple[Tensor, tuple[object, ...]]:
    memory, hidden = decoder.empty_memory(ids_BS.shape[0]), []
    for start in range(0, ids_BS.shape[1], SEGMENT):
        result = decoder.read_segment(ids_BS[:, start : start + SEGMENT], memory)
        assert result.memory is not None
        memory = result.memory
        hidden.append(result.hidden_BSD)
    return torch.cat(hidden, dim=1), memory
