"""The trained memories that ship: small, whole, and with what made them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from infini_models.adapter import read_memory_config
from infini_models.config import BranchConfig
from safetensors.torch import load_file

from infini_cli.store.catalog import catalog
from infini_cli.training.recipe import read_recipe

SHIPPED = [(model, path) for model in catalog() for path in model.adapters.values()]
MAX_BYTES = 32 << 20
STAGES = ("passkey-1", "passkey-2", "passkey-3", "passkey-4")


def test_one_ships() -> None:
    assert [(model.name, path.stem) for model, path in SHIPPED] == [
        ("smollm2-135m-infini", "adapter")
    ]
    assert sum(path.stat().st_size for _, path in SHIPPED) < MAX_BYTES
    # It is used unless another is named, or none.
    assert [model.name for model in catalog() if model.adapter] == ["smollm2-135m-infini"]


@pytest.mark.parametrize("path", [path for _, path in SHIPPED], ids=lambda path: path.stem)
def test_an_adapter_is_whole(path: Path) -> None:
    config = read_memory_config([path])
    assert isinstance(config, BranchConfig)
    tensors = load_file(path)
    assert len(tensors) == 15 * len(config.layers)
    for name, tensor in tensors.items():
        assert bool(torch.isfinite(tensor.float()).all()), name
        if name.endswith(".gain"):
            assert bool(tensor.any()), name


@pytest.mark.parametrize("stage", STAGES)
def test_its_recipes_and_logs_lie_beside_it(stage: str) -> None:
    model = SHIPPED[0][0]
    folder = model.folder
    recipe = read_recipe(folder / "recipes" / f"{stage}.toml")
    lines = (folder / "logs" / f"{stage}.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) == recipe.num_steps
    assert recipe.samples.max_tokens <= 5000
    assert recipe.samples.held_out == "held-out.txt"
    assert recipe.base == model.name
