"""`infini train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json, Offline
from infini_cli.commands.verb import verb
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.passkey import Haystack
    from infini_cli.tokens.tokenizer import Tokenizer
    from infini_cli.training.recipe import Recipe

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file.")]
RunFolder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="State, log and adapter; a run begun there goes on.",
        metavar="FOLDER",
    ),
]


@verb
def command(
    terminal: Terminal,
    recipe_file: RecipeFile,
    output: RunFolder,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Teach a model's memory, its base left as it is."""
    from infini_models.adapter import grow_branches
    from infini_models.config import BranchConfig

    from infini_cli.progress import Read
    from infini_cli.tasks.model import open_trainable_model
    from infini_cli.training.recipe import read_recipe
    from infini_cli.training.samples import Sampler
    from infini_cli.training.trainer import ADAPTER, Step, Trainer

    recipe = read_recipe(recipe_file)
    with terminal.progress() as progress:
        model = open_trainable_model(recipe.base, offline=offline, progress=progress)
        memory = recipe.memory
        grow_branches(
            model.decoder,
            BranchConfig(memory.layers, memory.num_features, memory.gain_init, memory.rate_init),
        )
        sampler = Sampler(
            recipe.samples,
            model.tokenizer,
            _texts(recipe, model.tokenizer),
            recipe.optimizer.batch_size,
            recipe.seed,
        )
        trainer = Trainer(model.decoder, sampler, recipe, output)
        last: Step | None = None
        for step in trainer.run():
            last = step
            rate = step.num_tokens / max(step.seconds, 1e-9)
            accuracy = f"loss {step.loss:.3f}, {100 * step.token_accuracy:.0f} % right"
            left = (recipe.num_steps - step.step) * step.seconds
            progress(
                Read(
                    recipe_file.name,
                    accuracy,
                    step.step,
                    step.step,
                    recipe.num_steps,
                    step.step,
                    recipe.num_steps,
                    rate,
                    left,
                )
            )
    adapter = output / ADAPTER
    if json:
        values = {"adapter": str(adapter), "num_steps": recipe.num_steps}
        terminal.write(to_json({**values, "last_loss": last.loss if last else None}))
    else:
        terminal.note(f"wrote `{adapter}`")


def _texts(recipe: Recipe, tokenizer: Tokenizer) -> Haystack | None:
    from infini_cli.batch_files import collect_books
    from infini_cli.evaluation.texts import read_haystack, read_names

    samples = recipe.samples
    if not samples.text_share:
        return None
    held_out = read_names(recipe.folder / samples.held_out) if samples.held_out else ()
    return read_haystack(collect_books([recipe.folder / samples.texts]), tokenizer, held_out)
