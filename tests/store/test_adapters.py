"""The trained memories, writers and readouts that ship: small, whole, with what made them."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
import torch
from infini_models.adapter import read_memory_config
from infini_models.config import BranchConfig
from safetensors.torch import load_file

from infini_cli.store.catalog import CatalogModel, catalog, default_model, find_model
from infini_cli.training.recipe import read_recipe
from infini_cli.training.salience_recipe import read_salience_recipe
from infini_cli.training.writer_recipe import read_writer_recipe

SHIPPED = [(model, path) for model in catalog() for path in model.adapters.values()]
MAX_BYTES = 32 << 20
SMALL, DEFAULT = "smollm2-135m-infini", "qwen2.5-coder-1.5b-infini"
STAGES = [(SMALL, "facts", None), (DEFAULT, "passkey", None)]
STAGES += [(DEFAULT, "books", 60), (SMALL, "books-1", 40), (SMALL, "books-2", None)]
"""Of each the step at which it was stopped; None: the recipe's last."""
WRITERS = {DEFAULT: 20, SMALL: 80}
NUM_LAYERS = {DEFAULT: 28, SMALL: 30}


def test_what_ships() -> None:
    assert [(model.name, path.stem) for model, path in SHIPPED] == [
        (DEFAULT, "books"),
        (DEFAULT, "passkey"),
        (SMALL, "adapter"),
        (SMALL, "books"),
    ]
    files = [path for _, path in SHIPPED] + [model.writer for model in catalog() if model.writer]
    files += [model.salience for model in catalog() if model.salience]
    assert sum(path.stat().st_size for path in files) < MAX_BYTES
    # It is used unless another is named, or none.
    assert [model.name for model in catalog() if model.adapter] == ["smollm2-135m-infini"]


@pytest.mark.parametrize("path", [path for _, path in SHIPPED], ids=lambda path: path.stem)
def test_an_adapter_is_whole(path: Path) -> None:
    config = read_memory_config([path])
    assert isinstance(config, BranchConfig)
    tensors = load_file(path)
    num_more = 2 * (config.num_taps > 1) + (config.num_rate_taps > 1)
    assert len(tensors) == (17 + num_more) * len(config.layers)
    for name, tensor in tensors.items():
        assert bool(torch.isfinite(tensor.float()).all()), name
        if name.endswith(".gain"):
            assert bool(tensor.any()), name


@pytest.mark.parametrize(("name", "stage", "until"), STAGES)
def test_recipes_and_logs_lie_beside_a_memory(name: str, stage: str, until: int | None) -> None:
    model = find_model(name)
    folder = model.folder
    recipe = read_recipe(folder / "recipes" / f"{stage}.toml")
    lines = (folder / "logs" / f"{stage}.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) == (until or recipe.num_steps) <= recipe.num_steps
    assert recipe.samples.max_tokens <= 5000
    assert recipe.samples.held_out == "held-out.txt"
    assert recipe.base == model.name


def test_all_memories_leave_the_same_novels_for_measuring() -> None:
    names = [(find_model(name).folder / "recipes/held-out.txt").read_text() for name, *_ in STAGES]
    assert len(set(names)) == 1


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_is_whole(name: str) -> None:
    model = find_model(name)
    assert model.writer is not None
    assert model.writer not in model.adapters.values()
    tensors = load_file(model.writer)
    # Seven projections in each layer, two factors each.
    assert len(tensors) == NUM_LAYERS[name] * 7 * 2
    for key, tensor in tensors.items():
        assert bool(torch.isfinite(tensor.float()).all()), key
        assert bool(tensor.any()), key
        assert 4 in tensor.shape, key


def test_which_models_were_taught_to_write() -> None:
    assert [model.name for model in catalog() if model.writer] == list(WRITERS)


@pytest.mark.parametrize(("name", "num_steps"), WRITERS.items())
def test_a_writers_recipe_notes_and_log_lie_beside_it(name: str, num_steps: int) -> None:
    folder = find_model(name).folder
    recipe = read_writer_recipe(folder / "recipes" / "writer.toml")
    assert recipe.base == name
    notes = [
        json.loads(line)
        for line in (folder / "recipes" / recipe.notes.file).read_text("utf-8").splitlines()
    ]
    pages = [page for page, _ in groupby((note["text"], note["start"]) for note in notes)]
    assert (len(notes), len(pages)) == (676, len(set(pages))) == (676, 358)
    for note in notes:
        assert len(note["note"].split()) < 60
        assert note["start"] <= note["first"] < note["last"] <= note["end"]
    lines = (folder / "logs" / "writer.jsonl").read_text("utf-8").splitlines()
    # It was stopped before the recipe's end: see the card.
    assert [json.loads(line)["step"] for line in lines] == list(range(1, num_steps + 1))
    assert recipe.num_steps(len(pages) - recipe.notes.num_held_out) > len(lines)


READOUTS = [model for model in catalog() if model.salience is not None]


def test_the_default_model_knows_what_matters() -> None:
    assert default_model() in READOUTS


@pytest.mark.parametrize("model", READOUTS, ids=lambda model: model.name)
def test_a_readout_is_whole_and_its_recipe_and_log_lie_beside_it(model: CatalogModel) -> None:
    assert model.salience is not None
    assert model.salience not in model.adapters.values()
    tensors = load_file(model.salience)
    assert list(tensors) == ["weight_D"]
    assert bool(torch.isfinite(tensors["weight_D"]).all())
    assert bool(tensors["weight_D"].any())
    recipe = read_salience_recipe(model.folder / "recipes" / "salience.toml")
    assert recipe.base == model.name
    lines = (model.folder / "logs" / "salience.jsonl").read_text("utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    assert [step["step"] for step in steps] == list(range(1, 51))
    # Each text was foretold from those before it.
    foretold = [step["correlation"] for step in steps[10:]]
    assert sum(foretold) / len(foretold) > 0.7
