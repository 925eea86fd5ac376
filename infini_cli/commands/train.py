"""`infini train`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.eval_options import Plot
from infini_cli.commands.options import Json, Offline
from infini_cli.commands.verb import verb
from infini_cli.ui.figure_files import check_figure
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.babilong import Story
    from infini_cli.progress import Progress
    from infini_cli.tokens.tokenizer import Tokenizer
    from infini_cli.training.log import Step, WriterStep
    from infini_cli.training.prompts import Sources
    from infini_cli.training.recipe import Recipe
    from infini_cli.training.trainer import Trainer
    from infini_cli.training.writer_trainer import WriterTrainer

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
    until: Annotated[
        int | None,
        typer.Option(
            "--until", min=1, help="Stop after this step; run again to go on.", metavar="STEP"
        ),
    ] = None,
    plot: Plot = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Teach a model a memory, to write notes, or what matters; its base stays as it is."""
    from infini_cli.typed_values import read_toml

    if plot is not None:
        check_figure(plot)
    tables = read_toml(recipe_file).keys()
    found = [teach for table, teach in _TEACHERS.items() if table in tables]
    teach = found[0] if found else _teach_memory
    teach(_Order(terminal, recipe_file, output, until, plot, offline, json))


@dataclass(frozen=True, slots=True)
class _Order:
    """What the command was given."""

    terminal: Terminal
    recipe_file: Path
    output: Path
    until: int | None
    plot: Path | None
    offline: bool
    json: bool


def _teach_memory(order: _Order) -> None:
    from infini_cli.progress import silent
    from infini_cli.tasks.model import open_trainable_model
    from infini_cli.training.begin import add_memory
    from infini_cli.training.binding import write_bound
    from infini_cli.training.recipe import read_recipe
    from infini_cli.training.samples import Sampler
    from infini_cli.training.state import has_begun
    from infini_cli.training.team import Team
    from infini_cli.training.trainer import ADAPTER, Trainer

    recipe, team = read_recipe(order.recipe_file), Team.join()
    with order.terminal.progress() if team.leads else nullcontext(silent) as progress:
        model = open_trainable_model(recipe.base, offline=order.offline, progress=progress)
        sampler = Sampler(
            recipe.tasks,
            recipe.samples,
            _sources(recipe, model.tokenizer),
            recipe.optimizer.batch_size,
            recipe.seed,
        )
        bound = add_memory(model, recipe, None if has_begun(order.output) else sampler, progress)
        if bound and team.leads:
            write_bound(order.output, bound)
        trainer = Trainer(model.decoder, sampler, recipe, order.output, team)
        last = _follow(order, trainer, progress)
    adapter = order.output / ADAPTER
    if not team.leads:
        team.end()
        return
    _draw(order)
    _tell(order, "adapter", adapter, recipe.num_steps, last_loss=_loss(last))
    team.end()


def _teach_writer(order: _Order) -> None:
    from infini_cli.tasks.model import open_trainable_model
    from infini_cli.training.pages import read_pages
    from infini_cli.training.writer_recipe import read_writer_recipe
    from infini_cli.training.writer_trainer import WRITER, WriterTrainer

    recipe = read_writer_recipe(order.recipe_file)
    pages = read_pages(recipe.folder / recipe.notes.file, recipe.folder / recipe.notes.texts)
    with order.terminal.progress() as progress:
        model = open_trainable_model(recipe.base, offline=order.offline, progress=progress)
        trainer = WriterTrainer(model, pages, recipe, order.output)
        last = _follow(order, trainer, progress)
    _draw(order)
    _tell(order, "writer", order.output / WRITER, trainer.num_steps, last_loss=_loss(last))


def _teach_salience(order: _Order) -> None:
    from infini_cli.evaluation.layouts import read_summary_items
    from infini_cli.tasks.model import open_trainable_model
    from infini_cli.training.salience_recipe import read_salience_recipe
    from infini_cli.training.salience_trainer import SALIENCE, SalienceTrainer

    recipe = read_salience_recipe(order.recipe_file)
    items = read_summary_items(recipe.folder / recipe.salience.file)
    correlation = None
    with order.terminal.progress() as progress:
        model = open_trainable_model(recipe.base, offline=order.offline, progress=progress)
        trainer = SalienceTrainer(model, items, recipe, order.output, progress)
        for step in trainer.run(until=order.until):
            correlation = step.correlation
    path = order.output / SALIENCE
    _draw(order)
    _tell(order, "salience", path, trainer.num_steps, last_correlation=correlation)


_TEACHERS = {"notes": _teach_writer, "salience": _teach_salience}
"""By the table of a recipe that is theirs alone."""


def _draw(order: _Order) -> None:
    """Draw the run, if that was asked for and it took a step."""
    from infini_cli.training.log import read_log
    from infini_cli.ui.plots import plot_training

    if order.plot is not None and (steps := read_log(order.output)):
        plot_training(steps, order.plot)
        order.terminal.note(f"drew `{order.plot}`")


def _follow(
    order: _Order, trainer: Trainer | WriterTrainer, progress: Progress
) -> Step | WriterStep | None:
    """Train, telling of every step; gives the last one, if any was left to take."""
    from infini_cli.progress import Learn

    last: Step | WriterStep | None = None
    began, done_before = time.monotonic(), trainer.num_done
    for step in trainer.run(until=order.until):
        last = step
        # Steps are of many lengths: those of this run, not the last alone.
        seconds_a_step = (time.monotonic() - began) / (step.step - done_before)
        progress(
            Learn(
                recipe=order.recipe_file.name,
                step=step.step,
                num_steps=trainer.num_steps,
                task=step.task,
                loss=step.loss,
                token_accuracy=step.token_accuracy,
                tokens_per_second=step.num_tokens / max(step.seconds, 1e-9),
                seconds_left=(trainer.num_steps - step.step) * seconds_a_step,
            )
        )
    return last


def _loss(last: Step | WriterStep | None) -> float | None:
    return last.loss if last is not None else None


def _tell(order: _Order, kind: str, path: Path, num_steps: int, **last: float | None) -> None:
    """Tell what was written; in JSON with what the last step measured."""
    if order.json:
        order.terminal.write(to_json({kind: str(path), "num_steps": num_steps, **last}))
    else:
        order.terminal.note(f"wrote `{path}`")


def _sources(recipe: Recipe, tokenizer: Tokenizer) -> Sources:
    from infini_cli.batch.files import collect_books
    from infini_cli.evaluation.babilong import read_tasks
    from infini_cli.evaluation.texts import read_haystack, read_names
    from infini_cli.training.prompts import Sources

    samples, texts = recipe.samples, None
    stories: tuple[Story, ...] = ()
    if samples.texts:
        held_out = read_names(recipe.folder / samples.held_out) if samples.held_out else ()
        books = collect_books([recipe.folder / samples.texts])
        texts = read_haystack(books, tokenizer, held_out)
    if recipe.tasks.babilong:
        found = read_tasks(recipe.folder / samples.babi, "train", samples.babi_tasks)
        stories = tuple(story for task in found.values() for story in task)
    return Sources(tokenizer, texts, stories)
