from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from gguf import GGUFReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from infini_models.errors import CheckpointError, ConfigError, WeightsError
from infini_models.gguf import read_gguf, read_rows
from infini_models.gguf_weights import model_from_gguf

from tests.store.tiny_gguf import HIDDEN, tokens, weights, write_gguf


def test_metadata_and_tensors_equal_another_reader(tmp_path: Path) -> None:
    kinds = {"up_proj.weight": Kind.Q8_0, "down_proj.weight": Kind.Q4_1}
    path = write_gguf(tmp_path / "m.gguf", weights(), kinds=kinds)
    file, other = read_gguf(path), GGUFReader(path)
    assert file.metadata["tokenizer.ggml.tokens"] == tuple(tokens())
    assert file.metadata["llama.block_count"] == 2
    assert file.metadata["tokenizer.ggml.token_type"].tolist()[:4] == [3, 3, 3, 1]
    assert set(file.tensors) == {tensor.name for tensor in other.tensors}
    for tensor in other.tensors:
        mine = file.tensors[tensor.name]
        assert mine.offset == tensor.data_offset
        assert mine.num_bytes == tensor.n_bytes
        assert mine.shape == tuple(reversed(tensor.shape.tolist()))
        assert mine.kind == tensor.tensor_type


def test_rows_in_blocks_are_the_rows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = weights()
    file = read_gguf(write_gguf(tmp_path / "m.gguf", values))
    tensor = file.tensors["token_embd.weight"]
    (whole,) = read_rows(file, tensor)
    monkeypatch.setattr("infini_models.gguf.BLOCK_BYTES", 4 * HIDDEN * 50)
    blocks = list(read_rows(file, tensor, multiple=16))
    assert [len(block) for block in blocks][:2] == [48, 48]
    assert np.array_equal(np.concatenate(blocks), whole)
    assert np.array_equal(whole, values["model.embed_tokens.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"general.architecture": "gpt2"}, "gpt2"),
        ({"llama.expert_count": 8}, "experts"),
        ({"llama.rope.scaling.type": "yarn"}, "yarn"),
        ({"llama.rope.dimension_count": 8}, "part of a head"),
        ({"llama.embedding_length": "wide"}, "embedding_length"),
        ({"llama.block_count": 0}, "block_count"),
    ],
)
def test_what_the_decoder_lacks_is_refused(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    file = read_gguf(write_gguf(tmp_path / "m.gguf", weights()))
    changed = type(file)(file.path, {**file.metadata, **change}, file.tensors)
    with pytest.raises(ConfigError, match=message):
        model_from_gguf(changed)


def test_an_unknown_tensor_is_named(tmp_path: Path) -> None:
    values = {**weights(), "model.layers.0.router.weight": np.ones((4, HIDDEN), np.float32)}
    with pytest.raises(WeightsError, match=r"unexpected: `blk\.0\.router\.weight`"):
        model_from_gguf(read_gguf(write_gguf(tmp_path / "m.gguf", values)))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    values = weights()
    values["model.norm.weight"][3] = np.nan
    file = read_gguf(write_gguf(tmp_path / "m.gguf", values))
    with pytest.raises(CheckpointError, match="not finite"):
        list(read_rows(file, file.tensors["output_norm.weight"]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"PK\x03\x04" + bytes(100),
        b"GGUF" + struct.pack("<IQQ", 9, 0, 0),
        # Counts and lengths far beyond the file.
        b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 6, 2**60),
        # An array of arrays.
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 1),
        # A tensor with dimensions whose product overflows 64 bits.
        b"GGUF"
        + struct.pack("<IQQQ", 3, 1, 0, 1)
        + b"t"
        + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0),
    ],
)
def test_bad_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"m\.gguf"):
        read_gguf(path)


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    kinds = {"up_proj.weight": Kind.Q8_0, "q_proj.weight": Kind.Q4_1}
    path = write_gguf(tmp_path_factory.mktemp("good") / "m.gguf", weights(), kinds=kinds)
    return path.read_bytes()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated_files_raise_nothing_else(
    data: st.DataObject, good_bytes: bytes, tmp_path: Path
) -> None:
    content = bytearray(good_bytes)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly the header and the tables, where lengths are.
        position = data.draw(st.integers(0, min(len(content) - 1, 9000)))
        content[position] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    try:
        file = read_gguf(path)
        model = model_from_gguf(file)
        for tensor in model.tensors:
            for _ in tensor.rows():
                pass
    except CheckpointError:
        pass
