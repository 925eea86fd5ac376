"""What comes out of JSON is of the types that the program counts on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import pytest

from infini_cli.store.from_json import from_json


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Leaf:
    name: str
    colour: Colour
    size: float = 1.0


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    height: int
    owner: str | None = None
    notes: dict[str, int] | None = None


TREE = Tree((Leaf("a", Colour.RED), Leaf("b", Colour.RED, 2.5)), 3, None, {"x": 1})


def plain(value: Any) -> Any:
    return json.loads(json.dumps(asdict(value), default=lambda colour: colour.value))


def test_it_undoes_what_json_did() -> None:
    assert from_json(Tree, plain(TREE)) == TREE
    assert from_json(Tree, {"leaves": [], "height": 0}) == Tree((), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"height": "3"},
        {"height": True},
        {"height": 2.0},
        {"height": None},
        {"owner": 7},
        {"leaves": {}},
        {"leaves": "ab"},
        {"leaves": [1]},
        {"leaves": [{"name": "a"}]},
        {"leaves": [{"name": "a", "colour": "blue"}]},
        {"leaves": [{"name": "a", "colour": "red", "size": "large"}]},
        {"notes": {"x": "y"}},
        {"notes": []},
        {"other": 1},
    ],
)
def test_what_is_of_another_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        from_json(Tree, plain(TREE) | change)


@pytest.mark.parametrize("value", [None, [], 3, "Tree"])
def test_so_is_what_is_no_object(value: Any) -> None:
    with pytest.raises(ValueError, match="is no"):
        from_json(Tree, value)
