from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from infini_cli.store.weights_file import TensorSpec, to_bfloat16, weights_file

SPECS = [TensorSpec("bytes", "I8", (3, 5)), TensorSpec("wide", "F32", (2, 2))]


def test_pieces_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    narrow = np.arange(15, dtype=np.int8).reshape(3, 5)
    with weights_file(path, SPECS, {"form": "x"}) as writer:
        writer.append("bytes", narrow[:2])
        writer.append("wide", np.ones((2, 2), np.float32))
        writer.append("bytes", narrow[2:])
    with safe_open(path, "pt") as file:
        assert torch.equal(file.get_tensor("bytes"), torch.from_numpy(narrow))
        assert torch.equal(file.get_tensor("wide"), torch.ones(2, 2))
        assert file.metadata() == {"format": "pt", "form": "x"}


def test_missing_and_surplus_values_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(ValueError, match="too few"), weights_file(path, SPECS, {}) as writer:
        writer.append("bytes", np.zeros((3, 5), np.int8))
    with pytest.raises(ValueError, match="too many"), weights_file(path, SPECS, {}) as writer:
        writer.append("wide", np.zeros((3, 2), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_rounding_to_bfloat16_equals_torchs_everywhere() -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 100_000, dtype=np.uint32)
    # Ties and their neighbours, both ways.
    bits = np.concatenate([bits, (bits & 0xFFFF0000) | 0x8000, (bits & 0xFFFF0000) | 0x7FFF])
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    expected = torch.from_numpy(values).to(torch.bfloat16).view(torch.int16).numpy()
    assert np.array_equal(to_bfloat16(values).view(np.int16), expected)
