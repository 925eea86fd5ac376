"""Memory branches grown, centred, saved and read again; what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from infini_models.adapter import (
    center_branches,
    grow_branches,
    read_memory_config,
    restore_branches,
    serialize_adapter,
)
from infini_models.config import PAPER, BranchConfig
from infini_models.decoder import Decoder
from infini_models.errors import ConfigError, WeightsError
from infini_models.load import load_decoder
from infini_models.rotary import rotary_tables
from infini_models.snapshot import memory_from_tensors, memory_tensors
from safetensors.torch import save_file

from tests.infini_models.branched import CONFIG, SEGMENT, branched, stream
from tests.infini_models.build import TINY, random_ids, tiny_decoder

HUGGING_FACE = {
    "model_type": "llama",
    "vocab_size": TINY.vocab_size,
    "hidden_size": TINY.hidden_size,
    "num_hidden_layers": TINY.num_layers,
    "num_attention_heads": TINY.num_heads,
    "num_key_value_heads": TINY.num_key_value_heads,
    "head_dim": TINY.head_dim,
    "intermediate_size": TINY.intermediate_size,
    "rms_norm_eps": TINY.rms_norm_eps,
    "rope_theta": TINY.rope_theta,
    "tie_word_embeddings": True,
}


def test_more_taps_change_nothing_until_they_are_trained(tmp_path: Path) -> None:
    decoder = branched()
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(serialize_adapter(decoder, torch.float32))
    widened = tiny_decoder()
    restore_branches(widened, path, num_taps=5)
    assert widened.memory_config == replace(CONFIG, num_taps=5)
    ids = random_ids(1, 3 * SEGMENT)
    with torch.inference_mode():
        found, expected = (stream(one, ids)[0] for one in (widened, decoder))
    torch.testing.assert_close(found, expected)
    # And a wide one stays as wide as it is.
    path.write_bytes(serialize_adapter(widened, torch.float32))
    again = tiny_decoder()
    restore_branches(again, path, num_taps=7)
    assert again.memory_config == widened.memory_config


@pytest.mark.parametrize("form", ["float32", "bfloat16"])
def test_an_adapter_restores_every_tensor(form: str, config: BranchConfig, tmp_path: Path) -> None:
    base, decoder = tiny_decoder(), branched(config)
    tensors = {
        f"model.{name}": tensor.contiguous()
        for name, tensor in base.state_dict().items()
        if name != "lm_head.weight" and not name.endswith("memory_gate")
    }
    save_file(tensors, tmp_path / "base.safetensors")
    adapter = serialize_adapter(decoder, torch.float32)
    (tmp_path / "adapter.safetensors").write_bytes(adapter)
    files = [tmp_path / "base.safetensors", tmp_path / "adapter.safetensors"]
    loaded = load_decoder(HUGGING_FACE, files, form)
    assert loaded.memory_config == config == read_memory_config(files)
    if form == "float32":
        state = loaded.state_dict()
        assert state.keys() == decoder.state_dict().keys()
        for name, tensor in decoder.state_dict().items():
            assert torch.equal(state[name], tensor), name
    ids = random_ids(1, 3 * SEGMENT)
    with torch.inference_mode():
        expected, found = stream(decoder, ids)[0], stream(loaded, ids)[0]
    torch.testing.assert_close(found, expected, atol=0 if form == "float32" else 0.3, rtol=0.1)
    # Without the adapter it is the base, and without the base nothing.
    assert load_decoder(HUGGING_FACE, files[:1], form).memory_config == PAPER
    with pytest.raises(WeightsError, match="missing"):
        load_decoder(HUGGING_FACE, files[1:], form)


def test_its_memory_is_saved_and_restored() -> None:
    decoder = branched()
    with torch.inference_mode():
        memory = stream(decoder, random_ids(1, 2 * SEGMENT))[1]
        restored = memory_from_tensors(memory_tensors(memory), decoder.empty_memory())
    for index, (one, other) in enumerate(zip(memory, restored, strict=True)):
        assert torch.equal(one.memory_BNKV, other.memory_BNKV)
        assert bool(one.filled_B.all()) is (index in CONFIG.layers)


def test_features_beyond_the_width_are_not_copies() -> None:
    decoder = tiny_decoder()
    grow_branches(decoder, BranchConfig(layers=(0,), num_features=2 * TINY.head_dim), seed=3)
    branch = decoder.layers[0].self_attn.memory_branch
    for feature_map in (branch.query_map, branch.key_map):
        for rows in feature_map:
            torch.testing.assert_close(rows[: TINY.head_dim], torch.eye(TINY.head_dim))
            assert torch.linalg.matrix_rank(torch.cat((rows, -rows))) == TINY.head_dim
            assert len({tuple(row) for row in rows.tolist()}) == 2 * TINY.head_dim


def test_what_all_keys_share_is_taken_from_them() -> None:
    torch.manual_seed(9)
    decoder = Decoder(replace(TINY, attention_bias=True))
    with torch.no_grad():
        for name, parameter in decoder.named_parameters():
            if "norm" not in name and not name.endswith("gate"):
                parameter.normal_(0.0, 20.0 if name.endswith("k_proj.bias") else 0.3)
    grow_branches(decoder, CONFIG)
    ids = random_ids(2, 3 * SEGMENT)
    center_branches(decoder, ids)
    rotary = rotary_tables(decoder.frequencies, torch.arange(ids.shape[1]))
    hidden = decoder.embed_tokens(ids)
    for index, layer in enumerate(decoder.layers):
        if index in CONFIG.layers:
            query, key, _ = layer.self_attn.project(layer.attention_input(hidden))
            branch = layer.self_attn.memory_branch
            assert branch.key_center.abs().max() > 10.0
            for own, center in ((query, branch.query_center), (key, branch.key_center)):
                mean = own.mean(dim=(0, 2), keepdim=True)[0]
                torch.testing.assert_close(center, mean)
                assert (own - center).mean(dim=(0, 2)).abs().max() < 1e-4
        hidden, _, _ = layer.read_segment(hidden, rotary, None)


@pytest.mark.parametrize("layers", [(), (-1,), (1, 1)])
def test_impossible_layers_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        BranchConfig(layers=layers, num_features=4)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, rank=0)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, num_taps=0)
    with pytest.raises(ConfigError):
        BranchConfig(layers=(0,), num_features=4, num_rate_taps=65)
    for size in (-0.1, math.inf, math.nan):
        with pytest.raises(ConfigError):
            BranchConfig(layers=(0,), num_features=4, sharpness=size)


def test_what_cannot_grow_or_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no layer 9"):
        grow_branches(tiny_decoder(), BranchConfig(layers=(9,), num_features=4))
    with pytest.raises(ConfigError, match="no memory branches"):
        serialize_adapter(tiny_decoder())
    whole = {"layers": [0], "num_features": 4, "rank": 2, "gain_init": 1, "rate_init": 1}
    for address in ("0", 0.5, True):
        with pytest.raises(ConfigError, match="no usable"):
            _read({**whole, "address_layer": address}, tmp_path)
    for within in ("false", 1, None):
        with pytest.raises(ConfigError, match="no usable"):
            _read({**whole, "read_within": within}, tmp_path)
    assert _read({**whole, "read_within": True}, tmp_path).read_within
    assert _read({**whole, "address_layer": 0}, tmp_path).address_layer == 0
    assert _read(whole, tmp_path).address_layer is None
    for text in ("{", json.dumps({"layers": [0]}), json.dumps([1])):
        save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors", {"memory": text})
        with pytest.raises(ConfigError, match="no usable"):
            read_memory_config([tmp_path / "b.safetensors"])
    (tmp_path / "c.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError):
        read_memory_config([tmp_path / "c.safetensors"])


def _read(values: dict[str, object], folder: Path) -> BranchConfig:
    save_file({"x": torch.zeros(1)}, folder / "a.safetensors", {"memory": json.dumps(values)})
    config = read_memory_config([folder / "a.safetensors"])
    assert isinstance(config, BranchConfig)
    return config
