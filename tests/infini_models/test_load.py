"""Checkpoints: every tensor in its place, or an error that names the ones that are not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from infini_models.decoder import Decoder
from infini_models.errors import ConfigError, WeightsError
from infini_models.load import load_decoder
from safetensors.torch import load_file, save_file

from tests.infini_models.build import TINY, random_ids, tiny_decoder


def hugging_face_config(**changes: Any) -> dict[str, Any]:
    shape = asdict(TINY)
    return {
        "model_type": "llama",
        "vocab_size": shape["vocab_size"],
        "hidden_size": shape["hidden_size"],
        "num_hidden_layers": shape["num_layers"],
        "num_attention_heads": shape["num_heads"],
        "num_key_value_heads": shape["num_key_value_heads"],
        "head_dim": shape["head_dim"],
        "intermediate_size": shape["intermediate_size"],
        "rms_norm_eps": shape["rms_norm_eps"],
        "rope_theta": shape["rope_theta"],
        "tie_word_embeddings": True,
        **changes,
    }


def save(path: Path, decoder: Decoder, dtype: torch.dtype = torch.float32, **more: Any) -> Path:
    """Save as a published checkpoint would be: no gates, tied weights once."""
    tensors = {
        f"model.{name}": tensor.to(dtype).contiguous()
        for name, tensor in decoder.state_dict().items()
        if not name.endswith("memory_gate") and name != "lm_head.weight"
    }
    save_file({**tensors, **more}, path)
    return path


def hidden(decoder: Decoder) -> torch.Tensor:
    with torch.inference_mode():
        return decoder.read_segment(random_ids(1, 12), decoder.empty_memory()).hidden_BSD


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_checkpoint_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    decoder = tiny_decoder()
    for parameter in decoder.parameters():
        parameter.data = parameter.data.to(dtype).float()
    path = save(tmp_path / "m.safetensors", decoder, dtype)
    loaded = load_decoder(hugging_face_config(), [path], "float32")
    assert loaded.is_closed
    assert torch.equal(hidden(loaded), hidden(decoder))
    assert loaded.lm_head.weight is loaded.embed_tokens.weight


def test_gates_come_back(tmp_path: Path) -> None:
    decoder = tiny_decoder(gate_init=-3.0)
    gate = torch.tensor([0.5, -1.0, 2.0, 0.0])
    name = "model.layers.1.self_attn.memory_gate"
    path = save(tmp_path / "m.safetensors", decoder, **{name: gate})
    loaded = load_decoder(hugging_face_config(), [path], "float32")
    assert torch.equal(loaded.layers[1].self_attn.memory_gate.flatten(), gate)
    assert loaded.layers[0].self_attn.is_closed
    assert not loaded.is_closed


def test_bytes_are_close_and_load_as_they_lie(tmp_path: Path) -> None:
    decoder = tiny_decoder()
    path = save(tmp_path / "m.safetensors", decoder)
    loaded = load_decoder(hugging_face_config(), [path], "int8")
    difference = (hidden(loaded) - hidden(decoder)).norm() / hidden(decoder).norm()
    assert 0 < difference < 0.05


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.safetensors", tiny_decoder())
    tensors = load_file(path)
    del tensors["model.norm.weight"]
    tensors["model.layers.0.mlp.extra.weight"] = torch.zeros(1)
    tensors["model.layers.2.mlp.up_proj.weight"] = torch.zeros(3, 4)
    save_file(tensors, path)
    with pytest.raises(WeightsError) as caught:
        load_decoder(hugging_face_config(), [path], "float32")
    message = str(caught.value)
    assert "missing: `norm.weight`" in message
    assert "unexpected: `layers.0.mlp.extra.weight`" in message
    assert "`layers.2.mlp.up_proj.weight` has shape [3, 4], not [64, 32]" in message


def test_many_wrong_tensors_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"nothing": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="more"):
        load_decoder(hugging_face_config(), [path], "float32")


@pytest.mark.parametrize("damage", ["cut", "pickle", "empty", "absent"])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = save(tmp_path / "m.safetensors", tiny_decoder())
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "pickle":
        torch.save({"model.norm.weight": torch.zeros(32)}, path)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_decoder(hugging_face_config(), [path], "float32")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "gpt2"),
        ({"model_type": None}, "None"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "yarn"),
        ({"num_key_value_heads": 3}, "cannot share"),
        ({"attention_bias": True}, "biases"),
    ],
)
def test_other_architectures_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_decoder(hugging_face_config(**change), [], "float32")


def test_an_incomplete_configuration_is_refused() -> None:
    config = hugging_face_config()
    del config["intermediate_size"]
    with pytest.raises(ConfigError, match="intermediate_size"):
        load_decoder(config, [], "float32")
