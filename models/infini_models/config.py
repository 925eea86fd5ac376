"""Shapes of the Llama family and settings of its memory, as frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from infini_models.errors import ConfigError

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3")


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The shape of a decoder of the Llama family.

    Attributes follow Hugging Face's `config.json`; `attention_bias` is the bias of the
    q, k and v projections (Qwen2), `query_key_norm` the RMS norm of each head (Qwen3).
    """

    model_type: str
    vocab_size: int
    hidden_size: int
    num_layers: int
    num_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10_000.0
    rope_scaling: Llama3RopeScaling | None = None
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    query_key_norm: bool = False
    max_position_embeddings: int = 2048

    def __post_init__(self) -> None:
        if self.num_heads % self.num_key_value_heads:
            raise ConfigError(
                f"{self.num_heads} query heads cannot share {self.num_key_value_heads} KV heads"
            )
        if self.head_dim % 2:
            raise ConfigError(f"rotary embedding needs an even head size, not {self.head_dim}")

    @property
    def num_groups(self) -> int:
        """Query heads that share one KV head."""
        return self.num_heads // self.num_key_value_heads

    @classmethod
    def from_hugging_face(cls, config: Mapping[str, Any]) -> DecoderConfig:
        """Read a `config.json`.

        Raises:
            ConfigError: the architecture, or a setting of it, is not implemented.
        """
        model_type = config.get("model_type")
        if model_type not in MODEL_TYPES:
            known = ", ".join(MODEL_TYPES)
            raise ConfigError(f"model type {model_type!r} is not one of {known}")
        if config.get("hidden_act", "silu") != "silu":
            raise ConfigError(f"activation {config['hidden_act']!r} is not silu")
        if config.get("mlp_bias") or (model_type == "llama" and config.get("attention_bias")):
            # Llama's attention_bias also biases the output projection.
            raise ConfigError("biases of the output or feed-forward projections are unsupported")
        try:
            hidden_size, num_heads = int(config["hidden_size"]), int(config["num_attention_heads"])
            return cls(
                model_type=model_type,
                vocab_size=int(config["vocab_size"]),
                hidden_size=hidden_size,
                num_layers=int(config["num_hidden_layers"]),
                num_heads=num_heads,
                num_key_value_heads=int(config.get("num_key_value_heads") or num_heads),
                head_dim=int(config.get("head_dim") or hidden_size // num_heads),
                intermediate_size=int(config["intermediate_size"]),
                rms_norm_eps=float(config.get("rms_norm_eps", 1e-6)),
                rope_theta=_rope_theta(config),
                rope_scaling=Llama3RopeScaling.from_hugging_face(config),
                tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
                attention_bias=model_type == "qwen2" or bool(config.get("attention_bias", False)),
                query_key_norm=model_type == "qwen3",
                max_position_embeddings=int(config.get("max_position_embeddings", 2048)),
            )
        except KeyError as error:
            raise ConfigError(f"config.json lacks {error.args[0]!r}") from error


@dataclass(frozen=True, slots=True)
class Llama3RopeScaling:
    """Llama 3.1's stretching of the low rotary frequencies."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int

    @classmethod
    def from_hugging_face(cls, config: Mapping[str, Any]) -> Llama3RopeScaling | None:
        """Read `rope_scaling` or `rope_parameters`; None where positions are not scaled.

        Raises:
            ConfigError: a scaling other than Llama 3's.
        """
        scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
        kind = scaling.get("rope_type") or scaling.get("type") or "default"
        if kind == "default":
            return None
        if kind != "llama3":
            raise ConfigError(f"rotary scaling {kind!r} is not implemented")
        return cls(
            factor=float(scaling["factor"]),
            low_freq_factor=float(scaling["low_freq_factor"]),
            high_freq_factor=float(scaling["high_freq_factor"]),
            original_max_position_embeddings=int(scaling["original_max_position_embeddings"]),
        )


def _rope_theta(config: Mapping[str, Any]) -> float:
    # Newer files keep it inside `rope_parameters`.
    parameters = config.get("rope_parameters") or {}
    return float(config.get("rope_theta") or parameters.get("rope_theta") or 10_000.0)


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """The paper's memory: how it is written and mixed in.

    Attributes:
        update: `linear` (equation 8) or `delta` (equation 9).
        gate_init: beta of equation 10 where the checkpoint holds none. Minus infinity is a
            closed gate: sigmoid(beta) is exactly 0 and the layer equals its base.
        eps: lower bound of the normaliser phi(Q) z.
    """

    update: Literal["linear", "delta"] = "delta"
    gate_init: float = -math.inf
    eps: float = 1e-6

    def with_gate(self, gate_init: float) -> MemoryConfig:
        """Copy with another initial gate."""
        return replace(self, gate_init=gate_init)


MAX_TAPS = 64


@dataclass(frozen=True, slots=True)
class BranchConfig:
    """A memory beside the attention of a frozen base, its projections corrected from the base's.

    Attributes:
        layers: which layers have one, counted from 0.
        num_features: rows of the feature maps; keys and queries have twice as many features.
        rank: of the corrections to the projections.
        gain_init: what its output is multiplied by before training.
        rate_init: bias of the rate at which is written; its sigmoid is the rate before training.
        num_taps: tokens that a key and a query are made of, themselves and those before; 1: no
            others.
        num_rate_taps: tokens whose mean says, besides a token itself, at what rate it is written;
            1: no others.
        sharpness: root mean square of what the softmax of a feature map takes, of each token; 0:
            what the map gives, which may be so large that one feature has all, and no gradient
            says which other it should be.
        address_layer: whose view of the tokens queries and keys are made of, not above any of
            `layers`; None: each layer's own.
        read_within: whether a token retrieves what its own segment wrote before it too.
    """

    layers: tuple[int, ...]
    num_features: int
    rank: int = 32
    gain_init: float = 0.1
    rate_init: float = 1.0
    num_taps: int = 1
    num_rate_taps: int = 1
    sharpness: float = 0.0
    address_layer: int | None = None
    read_within: bool = False

    def __post_init__(self) -> None:
        if not self.layers or min(self.layers) < 0 or len(set(self.layers)) < len(self.layers):
            raise ConfigError(f"{list(self.layers)} are no layers, each once")
        if min(self.num_features, self.rank) < 1:
            raise ConfigError(f"no memory has {self.num_features} features, rank {self.rank}")
        for num_taps in (self.num_taps, self.num_rate_taps):
            if not 1 <= num_taps <= MAX_TAPS:
                raise ConfigError(f"no key or rate is made of {num_taps} tokens")
        if not 0.0 <= self.sharpness < math.inf:
            raise ConfigError(f"sharpness cannot be {self.sharpness}")
        if self.address_layer is not None and not 0 <= self.address_layer <= min(self.layers):
            raise ConfigError(f"layer {self.address_layer} is not below those with a memory")

    def address_of(self, layer: int) -> int:
        """Give the layer that a memory's queries and keys are made in."""
        return layer if self.address_layer is None else self.address_layer


PAPER = MemoryConfig()
"""The paper's memory: ELU + 1, delta update, one gate a head (closed until trained)."""
