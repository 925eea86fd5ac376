"""What `infini train` does, in float32: `python train_tiny.py MODEL RECIPE RUN [UNTIL]`.

The command itself trains in bfloat16 where the machine can; there rows that are computed by
themselves differ from rows that are computed together.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infini_cli.evaluation.haystack import TextHaystack
from infini_cli.training.begin import add_memory
from infini_cli.training.prompts import Sources
from infini_cli.training.recipe import read_recipe
from infini_cli.training.samples import Sampler
from infini_cli.training.team import Team
from infini_cli.training.trainer import Trainer
from tests.tasks.tiny import open_tiny

TEXT = "\n\n".join(f"Paragraph {number} tells of the sea and the boat." for number in range(40))


def write_recipe(folder: Path, text: str, base: Path) -> Path:
    """Write a recipe for a base, and the texts that it learns from beside it."""
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text(TEXT)
    path = folder / "recipe.toml"
    path.write_text(text.format(base=base))
    return path


def main(folder: Path, recipe_file: Path, run: Path, until: int | None) -> None:
    team, model, recipe = Team.join(), open_tiny(folder), read_recipe(recipe_file)
    sources = Sources(model.tokenizer, TextHaystack([TEXT], model.tokenizer))
    settings = recipe.optimizer
    sampler = Sampler(recipe.tasks, recipe.samples, sources, settings.batch_size, recipe.seed)
    add_memory(model, recipe, sampler)
    for _ in Trainer(model.decoder, sampler, recipe, run, team).run(until=until):
        pass
    team.end()


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:4]]
    main(*arguments, until=int(sys.argv[4]) if len(sys.argv) > 4 else None)
