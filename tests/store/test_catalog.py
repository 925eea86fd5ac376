from __future__ import annotations

import re

import pytest

from infini_cli.errors import ModelNotFound
from infini_cli.store.catalog import HubSource, RegistrySource, catalog, default_model, find_model


def test_three_models_the_default_first() -> None:
    assert [model.name for model in catalog()] == [
        "qwen2.5-coder-1.5b-infini",
        "smollm2-135m-infini",
        "qwen2.5-coder-0.5b-infini",
    ]
    assert default_model().name == "qwen2.5-coder-1.5b-infini"


@pytest.mark.parametrize("model", catalog(), ids=lambda model: model.name)
def test_descriptions_are_complete(model) -> None:  # type: ignore[no-untyped-def]
    assert model.folder.name == model.name
    assert re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert isinstance(model.sources[0], HubSource)
    registry = model.sources[1]
    assert isinstance(registry, RegistrySource)
    assert (registry.num_parts - 1) * registry.part_bytes < model.num_bytes
    assert registry.num_parts * registry.part_bytes >= model.num_bytes
    assert model.card.startswith(f"# {model.name}\n")
    assert f"{model.num_bytes:,}" in model.card


def test_parts_are_numbered_as_the_wheels_are() -> None:
    source = default_model().sources[1]
    assert isinstance(source, RegistrySource)
    assert source.requirement(3).endswith("-part3==0.2.0")
    assert source.member_of(3).endswith("/part03.bin")


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(ModelNotFound) as caught:
        find_model("smollm2-135m")
    assert caught.value.hint == "did you mean `smollm2-135m-infini`?"
    with pytest.raises(ModelNotFound) as caught:
        find_model("zzz")
    assert caught.value.hint == "`infini models list` shows the names"
