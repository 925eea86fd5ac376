"""What a GGUF file means to the decoder: a `config.json` and tensors under Hugging Face's names.

llama.cpp's converter reorders the rows of the query and key projections of the llama
architecture, because it rotates neighbouring pairs where Hugging Face rotates halves; here
that is undone. A tied embedding may be stored twice, the second time as a finer `output.weight`;
the finer copy then serves as both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infini_models.errors import ConfigError, WeightsError
from infini_models.gguf import GgufFile, GgufTensor, read_rows

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""Mistral's files call themselves llama."""
EMBEDDING = "model.embed_tokens.weight"
HEAD = "lm_head.weight"

_OUTER = {
    "token_embd.weight": EMBEDDING,
    "output_norm.weight": "model.norm.weight",
    "output.weight": HEAD,
}
_INNER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LAYER_NAME = re.compile(r"blk\.(\d{1,4})\.(\w+)\.(weight|bias)")
_ROPE_FACTORS = "rope_freqs.weight"
_MIN_TIED_COSINE = 0.98
"""Rows of one matrix in two quantisations agree to 0.99 and better, of two matrices to 0.7."""


@dataclass(frozen=True, slots=True)
class NamedTensor:
    """A tensor of the decoder and where its values come from.

    Attributes:
        name: Hugging Face's.
        file: the GGUF file.
        source: the tensor in it.
        head_dim: rows a head where the file has them reordered, else 0.
    """

    name: str
    file: GgufFile
    source: GgufTensor
    head_dim: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Dimensions, outermost first."""
        return self.source.shape

    def rows(self, *, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Give the values in order, float32 [rows, columns] a block; a vector is one row.

        Raises:
            CheckpointError: the values cannot be read.
        """
        if not self.head_dim:
            yield from read_rows(self.file, self.source, start=start, stop=stop)
        elif len(self.shape) == 1:
            # A bias: its values are reordered as the rows of its matrix are.
            for row in read_rows(self.file, self.source):
                yield _halves_from_pairs(row.reshape(-1, 1), self.head_dim).reshape(1, -1)
        else:
            for block in read_rows(self.file, self.source, multiple=self.head_dim):
                yield _halves_from_pairs(block, self.head_dim)


@dataclass(frozen=True, slots=True)
class GgufModel:
    """A GGUF file read as a decoder.

    Attributes:
        config: as in Hugging Face's `config.json`, without token ids.
        tensors: every tensor once; no `lm_head.weight` where the embedding is tied.
    """

    config: dict[str, Any]
    tensors: tuple[NamedTensor, ...]


def model_from_gguf(file: GgufFile) -> GgufModel:
    """Name the configuration and the tensors as Hugging Face does.

    Raises:
        ConfigError: an architecture, or a setting of one, that the decoder does not implement.
        WeightsError: a tensor that no such decoder has, or no embedding.
    """
    architecture = file.metadata.get("general.architecture")
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"architecture {architecture!r} is not one of {known}")
    if "token_embd.weight" not in file.tensors:
        raise WeightsError("the weights do not fit the architecture: missing: `token_embd.weight`")
    config = _config(file, architecture)
    reordered = ("attn_q", "attn_k") if architecture == "llama" else ()
    tensors: dict[str, NamedTensor] = {}
    for source in file.tensors.values():
        if source.name == _ROPE_FACTORS:
            continue
        name, inner = _hugging_face_name(source.name)
        head_dim = config["head_dim"] if inner in reordered else 0
        if head_dim and source.shape[0] % head_dim:
            raise WeightsError(f"`{source.name}` does not divide into heads of {head_dim}")
        tensors[name] = NamedTensor(name, file, source, head_dim)
    config["attention_bias"] = "model.layers.0.self_attn.q_proj.bias" in tensors
    config["tie_word_embeddings"] = HEAD not in tensors
    if HEAD in tensors and _is_one_matrix(tensors[EMBEDDING], tensors[HEAD]):
        finer = max((tensors[EMBEDDING], tensors.pop(HEAD)), key=lambda t: t.source.num_bytes)
        tensors[EMBEDDING] = NamedTensor(EMBEDDING, file, finer.source, 0)
        config["tie_word_embeddings"] = True
    return GgufModel(config, tuple(tensors.values()))


def _hugging_face_name(name: str) -> tuple[str, str]:
    if name in _OUTER:
        return _OUTER[name], ""
    match = _LAYER_NAME.fullmatch(name)
    if not match or match[2] not in _INNER:
        raise WeightsError(f"the weights do not fit the architecture: unexpected: `{name}`")
    return f"model.layers.{int(match[1])}.{_INNER[match[2]]}.{match[3]}", match[2]


def _config(file: GgufFile, architecture: str) -> dict[str, Any]:
    values = _Values(file, architecture)
    hidden_size = values.integer("embedding_length")
    num_heads = values.integer("attention.head_count")
    head_dim = values.integer("attention.key_length", hidden_size // num_heads)
    if values.integer("attention.value_length", head_dim) != head_dim:
        raise ConfigError("keys and values of different widths are not implemented")
    if values.integer("rope.dimension_count", head_dim) != head_dim:
        raise ConfigError("a rotary embedding of part of a head is not implemented")
    if file.metadata.get(f"{architecture}.expert_count"):
        raise ConfigError("mixtures of experts are not implemented")
    scaling = file.metadata.get(f"{architecture}.rope.scaling.type", "none")
    if scaling != "none":
        raise ConfigError(f"rotary scaling {scaling!r} is not implemented")
    config: dict[str, Any] = {
        "model_type": architecture,
        "hidden_act": "silu",
        "hidden_size": hidden_size,
        "num_hidden_layers": values.integer("block_count"),
        "num_attention_heads": num_heads,
        "num_key_value_heads": values.integer("attention.head_count_kv", num_heads),
        "head_dim": head_dim,
        "intermediate_size": values.integer("feed_forward_length"),
        "vocab_size": file.tensors["token_embd.weight"].shape[0],
        "rms_norm_eps": values.number("attention.layer_norm_rms_epsilon"),
        "rope_theta": values.number("rope.freq_base", 10_000.0),
        "max_position_embeddings": values.integer("context_length"),
    }
    if _ROPE_FACTORS in file.tensors:
        config["rope_scaling"] = _llama3_scaling(file, config["rope_theta"], head_dim)
    return config


class _Values:
    """Settings of one architecture, each of its type and in a sane range."""

    def __init__(self, file: GgufFile, architecture: str) -> None:
        self.metadata = file.metadata
        self.prefix = architecture

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int) or not 1 <= value <= 1 << 30:
            raise ConfigError(f"`{self.prefix}.{key}` is {value!r}, not a positive whole number")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int | float) or not 0 < value < 1e12:
            raise ConfigError(f"`{self.prefix}.{key}` is {value!r}, not a positive number")
        # Stored as float32: 9.999999974752427e-07 was written as 1e-06.
        return float(f"{value:.7g}")


def _llama3_scaling(file: GgufFile, theta: float, head_dim: int) -> dict[str, Any]:
    """Recognise Llama 3's stretched frequencies, stored as one divisor a frequency."""
    (divisors,) = (block.reshape(-1) for block in read_rows(file, file.tensors[_ROPE_FACTORS]))
    factor, low, high, original = float(divisors.max()), 1.0, 4.0, 8192
    wavelengths = 2 * math.pi * theta ** (np.arange(0, head_dim, 2) / head_dim)
    smooth = np.clip((original / wavelengths - low) / (high - low), 0.0, 1.0)
    expected = 1.0 / ((1 - smooth) / factor + smooth)
    if divisors.shape != expected.shape or not np.allclose(divisors, expected, rtol=1e-3):
        raise ConfigError("the rotary scaling is not Llama 3's")
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": low,
        "high_freq_factor": high,
        "original_max_position_embeddings": original,
    }


def _halves_from_pairs(rows: NDArray[np.float32], head_dim: int) -> NDArray[np.float32]:
    """Put rows stored as rotary pairs (0, 64, 1, 65, ...) back to halves (0, 1, ..., 64, ...)."""
    pairs = rows.reshape(-1, head_dim // 2, 2, rows.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(rows.shape)


def _is_one_matrix(embedding: NamedTensor, head: NamedTensor) -> bool:
    """Tell whether two tensors are one matrix quantised twice, by rows from all over it."""
    if embedding.shape != head.shape or len(embedding.shape) != 2:
        return False
    cosines = []
    for row in np.linspace(0, embedding.shape[0] - 1, 64, dtype=int):
        (first,) = embedding.rows(start=row, stop=row + 1)
        (second,) = head.rows(start=row, stop=row + 1)
        norms = float(np.linalg.norm(first) * np.linalg.norm(second))
        # Rows that no text ever touched may be zero.
        if norms > 0:
            cosines.append(float((first * second).sum()) / norms)
    return bool(cosines) and float(np.median(cosines)) > _MIN_TIED_COSINE
