"""Choosing the layers that a memory has to be in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infini_cli.evaluation import passkey, routes
from infini_cli.evaluation.haystack import Prompt
from infini_cli.evaluation.routes import Route, choose_layers
from infini_cli.tasks.model import Model
from tests.commands.conftest import infini as infini
from tests.commands.run import Infini
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering


def test_each_layer_chosen_is_the_best_of_all_that_are_left(remembering: Model) -> None:
    num_layers = remembering.decoder.config.num_layers
    found = list(choose_layers(remembering, num_layers + 3, num_samples=1, seed=2))
    assert [len(route.layers) for route in found] == [*range(num_layers + 1), num_layers]
    assert set(found[-1].layers) == set(found[-2].layers) == set(range(num_layers))
    assert found[-1].loss == pytest.approx(found[-2].loss, abs=1e-5)
    assert all(0.0 <= route.token_accuracy <= 1.0 for route in found)


def test_the_choice_is_by_the_loss(remembering: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    worth = {0: 0.25, 1: 1.0}

    def route(model: Model, read: object, layers: tuple[int, ...]) -> Route:
        return Route(tuple(layers), 3.0 - sum(worth.get(layer, 0.0) for layer in layers), 0.0)

    monkeypatch.setattr(routes, "_route", route)
    found = list(choose_layers(remembering, 2, num_samples=1, seed=0))
    assert [route.layers for route in found[:-1]] == [(), (1,), (1, 0)]


def test_the_command(infini: Infini, open_folder: Path) -> None:
    command = ("eval", "layers", "-m", open_folder, "--samples", 1, "--choose", 1)
    document = json.loads(infini(*command, "--json").out)
    assert document["test"] == "layers"
    assert document["facts"] == 1
    assert [len(route["layers"]) for route in document["routes"][:2]] == [0, 1]
    shown = infini(*command).out.splitlines()
    assert shown[1].startswith("none")
    assert shown[2].split()[0] == str(document["routes"][1]["layers"][0])
    assert shown[3].startswith("all")


def test_a_prompt_may_hold_several_facts_and_asks_for_one(
    remembering: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    original = passkey.filler_prompts

    def watched(*arguments: Any, **options: Any) -> list[Prompt]:
        prompts = original(*arguments, **options)
        made.extend(len(prompt.facts) for prompt in prompts)
        return prompts

    monkeypatch.setattr(passkey, "filler_prompts", watched)
    list(choose_layers(remembering, 1, num_samples=2, seed=0, num_facts=4))
    assert made == [4, 4]
