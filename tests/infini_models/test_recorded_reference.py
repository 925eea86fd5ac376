"""Real weights, from the GGUF file to logits, against what transformers said of them.

`INFINI_TEST_MODELS` names a data folder (as `INFINI_HOME` does) in which models were pulled.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from infini_models.decoder import Decoder
from infini_models.load import load_decoder

from infini_cli.store.convert import convert

SMALL, LARGE = "smollm2-135m-infini", "qwen2.5-coder-1.5b-infini"
TOLERANCE = 5e-4
"""Largest difference of a logit in float32, where logits reach 20 and more."""
BYTES_TOLERANCE = 1.0
"""The same for the int8 form, which rounds the weights once more."""


def recorded(name: str) -> dict[str, Any]:
    path = Path(__file__).parent / "data" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def weights(name: str) -> Path:
    """Find the very file that the reference was recorded on, or skip."""
    folder = os.environ.get("INFINI_TEST_MODELS")
    if not folder:
        pytest.skip("INFINI_TEST_MODELS names no data folder with models")
    files = sorted((Path(folder) / "models" / name).glob("*.gguf"))
    if not files:
        pytest.skip(f"`{name}` is not in INFINI_TEST_MODELS")
    with files[0].open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == recorded(name)["sha256"]
    return files[0]


def difference(decoder: Decoder, name: str) -> tuple[float, bool]:
    """Give the largest difference of a logit, and whether the likeliest tokens agree."""
    expected = recorded(name)
    with torch.inference_mode():
        ids = torch.tensor([expected["ids"]])
        result = decoder.read_segment(ids, decoder.empty_memory())
        logits = decoder.logits(result.hidden_BSD[0, -len(expected["logits"]) :])
    wanted = torch.tensor(expected["logits"])
    largest = (logits[:, torch.tensor(expected["entries"])] - wanted).abs().max()
    return float(largest), logits.argmax(-1).tolist() == expected["likeliest"]


def converted(name: str, form: Any, folder: Path) -> Decoder:
    path = convert(weights(name), folder, form)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return load_decoder(config, [path], form)


@pytest.mark.small_model
def test_the_small_models_logits_in_float32(tmp_path: Path) -> None:
    largest, same = difference(converted(SMALL, "float32", tmp_path), SMALL)
    print(f"largest difference of a logit: {largest:.2e}")
    assert largest < TOLERANCE
    assert same


@pytest.mark.small_model
def test_the_small_models_logits_in_bytes(tmp_path: Path) -> None:
    largest, _ = difference(converted(SMALL, "int8", tmp_path), SMALL)
    print(f"largest difference of a logit: {largest:.2e}")
    assert largest < BYTES_TOLERANCE


@pytest.mark.large_model
@pytest.mark.timeout(1800)
def test_the_default_models_logits_in_float32(tmp_path: Path) -> None:
    """Writes 6.2 GB below pytest's temporary folder."""
    largest, same = difference(converted(LARGE, "float32", tmp_path), LARGE)
    print(f"largest difference of a logit: {largest:.2e}")
    assert largest < TOLERANCE
    assert same


@pytest.mark.parametrize("name", [SMALL, LARGE])
def test_a_recording_is_whole(name: str) -> None:
    found = recorded(name)
    assert len(found["ids"]) == 40
    assert len(found["likeliest"]) == len(found["logits"]) == 4
    assert all(len(row) == len(found["entries"]) > 60 for row in found["logits"])
