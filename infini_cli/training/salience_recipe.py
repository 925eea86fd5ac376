"""Recipes of readouts that tell which sentences matter, as one TOML file.

base = "qwen2.5-coder-1.5b-infini"   # whose weights stay as they are

[salience]
file = "stories.jsonl"               # texts with summaries, as `infini eval summaries` reads them
layer = 18                           # whose activations are read
ridge = 3000.0
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infini_cli.errors import UsageError
from infini_cli.training.recipe import hash_recipe
from infini_cli.typed_values import make_part, read_toml


@dataclass(frozen=True, slots=True)
class ReadoutRecipe:
    """What is learnt from, and how; see the example above."""

    file: str
    layer: int
    ridge: float = 3000.0


@dataclass(frozen=True, slots=True)
class SalienceRecipe:
    """A whole recipe; `folder` is where its file lies."""

    base: str
    salience: ReadoutRecipe
    folder: Path = Path()

    @property
    def sha256(self) -> str:
        """Hash of all that it says; where it lies does not count."""
        return hash_recipe(asdict(self))


def read_salience_recipe(path: Path) -> SalienceRecipe:
    """Read a recipe.

    Raises:
        InputNotFound: there is no such file.
        UsageError: it is no TOML, or something in it is missing, unknown or out of bounds.
    """
    values: dict[str, Any] = read_toml(path)
    salience = make_part(ReadoutRecipe, values.pop("salience", {}), "salience.")
    recipe = make_part(SalienceRecipe, {**values, "salience": salience, "folder": path.parent})
    if salience.layer < 1 or not 0 < salience.ridge < float("inf"):
        raise UsageError("out of bounds: layer or ridge")
    return recipe
