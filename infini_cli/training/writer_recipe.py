"""Recipes of writers: how a model is taught to write notes, as one TOML file.

base = "qwen2.5-coder-1.5b-infini"   # whose weights stay as they are
seed = 5

[notes]
file = "notes.jsonl"                 # see `infini_cli.training.pages`
texts = "texts/"                     # where the texts lie, relative to the recipe
num_held_out = 20                    # pages that are not learnt from, but measured on

[writer]
rank = 4

[optimizer]
learning_rate = 7e-4
num_epochs = 1
batch_size = 4                       # pages
num_warmup_steps = 8
clip_norm = 1.0
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infini_cli.errors import UsageError
from infini_cli.training.recipe import hash_recipe
from infini_cli.typed_values import make_part, read_toml


@dataclass(frozen=True, slots=True)
class NotesRecipe:
    """What is learnt from; see the example above."""

    file: str
    texts: str = "."
    num_held_out: int = 0


@dataclass(frozen=True, slots=True)
class CorrectionsRecipe:
    """The corrections; see `infini_models.low_rank`."""

    rank: int = 4


@dataclass(frozen=True, slots=True)
class TeachingRecipe:
    """AdamW with warm-up and half a cosine, no weight decay."""

    learning_rate: float = 7e-4
    num_epochs: float = 2.0
    batch_size: int = 4
    num_warmup_steps: int = 8
    clip_norm: float = 1.0


@dataclass(frozen=True, slots=True)
class WriterRecipe:
    """A whole recipe; `folder` is where its file lies."""

    base: str
    notes: NotesRecipe
    writer: CorrectionsRecipe
    optimizer: TeachingRecipe
    seed: int = 0
    folder: Path = Path()

    @property
    def sha256(self) -> str:
        """Hash of all that it says; where it lies does not count."""
        return hash_recipe(asdict(self))

    def num_steps(self, num_pages: int) -> int:
        """Give the steps that its epochs come to.

        Args:
            num_pages: whose notes are learnt from.
        """
        return max(1, int(num_pages * self.optimizer.num_epochs / self.optimizer.batch_size))


def read_writer_recipe(path: Path) -> WriterRecipe:
    """Read a recipe.

    Raises:
        InputNotFound: there is no such file.
        UsageError: it is no TOML, or something in it is missing, unknown or out of bounds.
    """
    values: dict[str, Any] = read_toml(path)
    parts = {
        "notes": make_part(NotesRecipe, values.pop("notes", {}), "notes."),
        "writer": make_part(CorrectionsRecipe, values.pop("writer", {}), "writer."),
        "optimizer": make_part(TeachingRecipe, values.pop("optimizer", {}), "optimizer."),
    }
    recipe = make_part(WriterRecipe, {**values, **parts, "folder": path.parent})
    optimizer = recipe.optimizer
    wrong = [
        name
        for name, value in (
            ("rank", recipe.writer.rank),
            ("learning_rate", optimizer.learning_rate),
            ("num_epochs", optimizer.num_epochs),
            ("batch_size", optimizer.batch_size),
            ("clip_norm", optimizer.clip_norm),
        )
        if value <= 0
    ]
    if recipe.notes.num_held_out < 0 or optimizer.num_warmup_steps < 0:
        wrong.append("num_held_out or num_warmup_steps")
    if wrong:
        raise UsageError(f"out of bounds: {', '.join(wrong)}")
    return recipe
