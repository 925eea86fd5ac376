from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize, quantize
from infini_models.load import load_decoder
from safetensors.torch import load_file

from infini_cli.errors import ModelError, ModelIncompatible
from infini_cli.progress import Event, Write
from infini_cli.store.convert import convert
from tests.store.tiny_gguf import HIDDEN, TEMPLATE, tokens, weights, write_gguf


def test_float32_gives_back_what_was_written_for_llama(tmp_path: Path) -> None:
    values = weights(tied=False)
    source = write_gguf(tmp_path / "m.gguf", values)
    found = load_file(convert(source, tmp_path / "c", "float32"))
    assert found.keys() == values.keys()
    for name, value in values.items():
        assert np.array_equal(found[name].numpy(), value), name


def test_qwen_rows_keep_their_order_and_biases_are_kept(tmp_path: Path) -> None:
    values = weights(bias=True)
    source = write_gguf(tmp_path / "m.gguf", values, architecture="qwen2", split="qwen2")
    found = load_file(convert(source, tmp_path / "c", "float32"))
    assert found.keys() == values.keys()
    for name, value in values.items():
        assert np.array_equal(found[name].numpy(), value), name
    config = json.loads((tmp_path / "c" / "config.json").read_text())
    assert config["model_type"] == "qwen2"
    assert config["attention_bias"] is True


@pytest.mark.parametrize("kind", [Kind.Q8_0, Kind.Q4_1, Kind.Q5_0, Kind.F16, Kind.BF16])
def test_quantised_tensors(kind: Kind, tmp_path: Path) -> None:
    values = weights()
    source = write_gguf(tmp_path / "m.gguf", values, kinds={"v_proj.weight": kind})
    found = load_file(convert(source, tmp_path / "c", "float32"))
    name = "model.layers.1.self_attn.v_proj.weight"
    assert np.array_equal(found[name].numpy(), dequantize(quantize(values[name], kind), kind))


def test_bfloat16_is_torchs_rounding(tmp_path: Path) -> None:
    values = weights(bias=True)
    source = write_gguf(tmp_path / "m.gguf", values, architecture="qwen2")
    found = load_file(convert(source, tmp_path / "c", "bfloat16"))
    for name, value in values.items():
        expected = torch.from_numpy(value)
        if not name.endswith("norm.weight"):
            expected = expected.to(torch.bfloat16)
        assert torch.equal(found[name], expected), name


def test_int8_is_rounded_from_the_files_own_values(tmp_path: Path) -> None:
    values = weights(bias=True)
    source = write_gguf(tmp_path / "m.gguf", values, architecture="qwen2")
    found = load_file(convert(source, tmp_path / "c", "int8"))
    projections = {name for name in values if name.endswith("_proj.weight")}
    head = {"lm_head.weight"}
    assert found.keys() == values.keys() | head | {n + "_scale" for n in projections | head}
    for name in projections | head:
        original = values.get(name, values["model.embed_tokens.weight"])
        scale = np.abs(original).max(axis=1) / np.float32(127)
        assert found[name].dtype == torch.int8
        assert np.array_equal(found[name + "_scale"].numpy(), scale)
        error = np.abs(found[name].numpy() * scale[:, None] - original)
        assert (error <= scale[:, None] * 0.5001).all()
    assert found["model.embed_tokens.weight"].dtype == torch.bfloat16
    assert found["model.layers.0.self_attn.q_proj.bias"].dtype == torch.float32


def test_a_row_of_zeros_stays_zero(tmp_path: Path) -> None:
    values = weights()
    values["model.layers.0.mlp.up_proj.weight"][5] = 0
    found = load_file(convert(write_gguf(tmp_path / "m.gguf", values), tmp_path / "c", "int8"))
    assert not found["model.layers.0.mlp.up_proj.weight"][5].any()


def test_an_embedding_stored_twice_is_one_and_the_finer_copy_serves(tmp_path: Path) -> None:
    values = weights(tied=True)
    values["lm_head.weight"] = values["model.embed_tokens.weight"].copy()
    kinds = {"embed_tokens.weight": Kind.Q4_1, "lm_head.weight": Kind.Q8_0}
    source = write_gguf(tmp_path / "m.gguf", values, kinds=kinds)
    found = load_file(convert(source, tmp_path / "c", "float32"))
    finer = dequantize(quantize(values["lm_head.weight"], Kind.Q8_0), Kind.Q8_0)
    assert "lm_head.weight" not in found
    assert np.array_equal(found["model.embed_tokens.weight"].numpy(), finer)
    assert json.loads((tmp_path / "c" / "config.json").read_text())["tie_word_embeddings"] is True


@pytest.mark.parametrize("form", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_form_loads_into_the_decoder(form: str, tied: bool, tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "m.gguf", weights(tied=tied))
    path = convert(source, tmp_path / "c", form)  # type: ignore[arg-type]
    config = json.loads((tmp_path / "c" / "config.json").read_text())
    decoder = load_decoder(config, [path], form)  # type: ignore[arg-type]
    assert decoder.embed_tokens.weight.shape == (len(tokens()), HIDDEN)


def test_the_folder_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    convert(write_gguf(tmp_path / "m.gguf", weights()), folder, "bfloat16")
    assert sorted(path.name for path in folder.iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "model-bfloat16.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    config = json.loads((folder / "config.json").read_text())
    assert config["eos_token_id"] == [2, 0]
    assert config["bos_token_id"] == 1
    assert config["rms_norm_eps"] == 1e-6
    assert (folder / "chat_template.jinja").read_text() == TEMPLATE


def test_a_second_form_is_added_and_what_is_there_is_kept(tmp_path: Path) -> None:
    source, folder = write_gguf(tmp_path / "m.gguf", weights()), tmp_path / "c"
    first = convert(source, folder, "bfloat16")
    before = first.stat().st_mtime_ns
    convert(source, folder, "int8")
    source.unlink()
    assert convert(source, folder, "bfloat16").stat().st_mtime_ns == before


def test_progress_ends_at_the_end(tmp_path: Path) -> None:
    events: list[Event] = []
    convert(write_gguf(tmp_path / "m.gguf", weights()), tmp_path / "c", "int8", events.append)
    last = events[-1]
    assert isinstance(last, Write)
    assert last.done == last.total == len(events)


def test_errors_are_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = write_gguf(tmp_path / "m.gguf", weights())
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(good.read_bytes()[:-4000])
    with pytest.raises(ModelIncompatible, match=r"cut\.gguf"):
        convert(cut, tmp_path / "c", "int8")
    with pytest.raises(ModelError, match="cannot be read"):
        convert(tmp_path / "absent.gguf", tmp_path / "c", "int8")
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written"):
        convert(good, blocked / "c", "int8")
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("infini_cli.store.convert.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(ModelError, match="are needed"):
        convert(good, tmp_path / "c", "int8")


def test_values_that_are_not_finite_leave_no_file(tmp_path: Path) -> None:
    values = weights()
    values["model.layers.1.mlp.down_proj.weight"][0, 0] = np.inf
    with pytest.raises(ModelError, match="not finite"):
        convert(write_gguf(tmp_path / "m.gguf", values), tmp_path / "c", "int8")
    assert list((tmp_path / "c").iterdir()) == []
