"""Tiny random decoders: three layers, grouped heads, every part of the real ones."""

from __future__ import annotations

import math
from typing import Any

import torch
from infini_models.config import DecoderConfig, MemoryConfig
from infini_models.decoder import Decoder

VOCAB_SIZE = 97

TINY = DecoderConfig(
    model_type="llama",
    vocab_size=VOCAB_SIZE,
    hidden_size=32,
    num_layers=3,
    num_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    intermediate_size=64,
    tie_word_embeddings=True,
)


def tiny_decoder(
    gate_init: float = -math.inf, update: Any = "delta", form: str = "float32", seed: int = 0
) -> Decoder:
    """Build a decoder with seeded weights."""
    torch.manual_seed(seed)
    decoder = Decoder(TINY, MemoryConfig(update=update, gate_init=gate_init), form)
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if "norm" not in name and "gate" not in name.split(".")[-1]:
                parameter.normal_(0, 0.3)
    return decoder.eval()


def random_ids(*shape: int, seed: int = 1) -> torch.Tensor:
    """Draw token ids."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCAB_SIZE, shape, generator=generator)
