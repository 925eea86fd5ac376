"""Logits equal to another implementation's, for every architecture that loads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from infini_models.generate import Branch, write_branches
from infini_models.load import load_decoder
from infini_models.sampling import Sampling
from safetensors.torch import save_file

with warnings.catch_warnings():
    # What the reference warns about while it is imported is not this project's.
    warnings.simplefilter("ignore")
    import transformers
    from transformers import AutoConfig, AutoModelForCausalLM

TOLERANCE = 1e-4
"""Largest difference of a logit; those of the random models here reach 5 and more."""

SHAPE = {
    "vocab_size": 97,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 48,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
}
LLAMA3_SCALING = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama"},
    "llama-mha": {"model_type": "llama", "num_key_value_heads": 4},
    "llama-theta": {
        "model_type": "llama",
        "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
    },
    "llama3-scaling": {"model_type": "llama", "rope_parameters": LLAMA3_SCALING},
    # Without its window: segments are shorter than the windows of published models.
    "mistral": {"model_type": "mistral", "sliding_window": None},
    "qwen2": {"model_type": "qwen2"},
    "qwen3": {"model_type": "qwen3"},
    "qwen3-wide-heads": {"model_type": "qwen3", "head_dim": 16},
}


def reference_of(family: str, tied: bool) -> Any:
    """Build a model whose every parameter, biases and norms too, is away from its start."""
    settings = {**SHAPE, **FAMILIES[family], "tie_word_embeddings": tied}
    model_type = settings.pop("model_type")
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **settings)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.3)
    return model


def save(model: Any, path: Path) -> None:
    """Write the tensors under their published names, tied ones once."""
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del tensors["lm_head.weight"]
    save_file(tensors, path)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers(family: str, tied: bool, tmp_path: Path) -> None:
    model = reference_of(family, tied)
    save(model, tmp_path / "model.safetensors")
    config = model.config.to_dict()
    decoder = load_decoder(config, [tmp_path / "model.safetensors"], "float32")
    ids = torch.randint(0, 97, (2, 70), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(ids).logits
        result = decoder.read_segment(ids, decoder.empty_memory(2))
        got = decoder.logits(result.hidden_BSD)
    assert expected.abs().max() > 5
    assert (got - expected).abs().max() < TOLERANCE


def test_greedy_text_is_that_of_transformers(tmp_path: Path) -> None:
    model = reference_of("qwen2", tied=False)
    save(model, tmp_path / "model.safetensors")
    decoder = load_decoder(model.config.to_dict(), [tmp_path / "model.safetensors"], "float32")
    ids = torch.randint(0, 97, (1, 20), generator=torch.Generator().manual_seed(2))
    text = ids
    with torch.inference_mode():
        for _ in range(12):
            text = torch.cat((text, model(text).logits[:, -1:].argmax(-1)), dim=1)
    (written,) = write_branches(decoder, [Branch(ids[0].tolist(), 12)], Sampling(), ())
    assert written.ids == text[0, 20:].tolist()


def test_scaled_positions_matter_in_the_reference_too() -> None:
    """A scaling that changed nothing would let the comparison above pass unread."""
    ids = torch.arange(70)[None]
    scaled, plain = reference_of("llama3-scaling", True), reference_of("llama", True)
    with torch.inference_mode():
        assert (scaled(ids).logits - plain(ids).logits).abs().max() > 100 * TOLERANCE


def test_the_reference_is_the_pinned_one() -> None:
    pins = (Path(__file__).resolve().parents[2] / "constraints.txt").read_text(encoding="utf-8")
    assert f"transformers=={transformers.__version__}" in pins.splitlines()
