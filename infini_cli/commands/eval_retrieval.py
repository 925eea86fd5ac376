"""`infini eval passkey` and `infini eval babilong`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.commands.eval_options import (
    Facts,
    Lengths,
    RetrievalOptions,
    parse_depths,
    parse_lengths,
    parse_numbers,
    protect,
    write_cells,
)
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.groups import Group
    from infini_cli.evaluation.haystack import Haystack
    from infini_cli.evaluation.retrieval import Cell
    from infini_cli.tasks.model import Model
    from infini_cli.tokens.tokenizer import Tokenizer


@verb
def passkey(
    terminal: Terminal,
    model: ModelOptions,
    retrieval: RetrievalOptions,
    lengths: Lengths = "4K,32K",
    depths: Annotated[
        str,
        typer.Option(
            "--depths", help="`start`, `middle`, `end` or shares from 0 to 1.", metavar="LIST"
        ),
    ] = "start,middle,end",
    facts: Facts = 1,
    json: Json = False,
    output: Output = None,
) -> None:
    """Hide pass keys in long texts and ask for them."""
    from infini_cli.evaluation.groups import passkey_groups

    wanted, places = parse_lengths(lengths), parse_depths(depths)

    def groups(tokenizer: Tokenizer, haystack: Haystack) -> Iterator[Group]:
        return passkey_groups(
            tokenizer,
            haystack,
            lengths=wanted,
            depths=places,
            num_samples=retrieval.samples,
            num_facts=facts,
            seed=retrieval.seed,
        )

    measured = _measure(terminal, model, retrieval, groups, output)
    write_cells(
        terminal, "passkey", *measured, retrieval, {"num_facts": facts}, json=json, output=output
    )


@verb
def babilong(
    terminal: Terminal,
    model: ModelOptions,
    retrieval: RetrievalOptions,
    babi: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Files of bAbI, such as `tasks_1-20_v1-2/en`.")
    ],
    lengths: Lengths = "4K,32K",
    tasks: Annotated[
        str, typer.Option("--tasks", help="Numbers of bAbI's tasks.", metavar="LIST")
    ] = "1,2,3,4,5",
    json: Json = False,
    output: Output = None,
) -> None:
    """Hide facts about people in long texts and ask where they are."""
    from infini_cli.evaluation.babilong import read_tasks
    from infini_cli.evaluation.groups import babilong_groups

    wanted = parse_lengths(lengths)
    stories = read_tasks(babi, "test", parse_numbers(tasks))

    def groups(tokenizer: Tokenizer, haystack: Haystack) -> Iterator[Group]:
        return babilong_groups(
            tokenizer,
            haystack,
            stories,
            lengths=wanted,
            num_samples=retrieval.samples,
            seed=retrieval.seed,
        )

    measured = _measure(terminal, model, retrieval, groups, output)
    settings = {"tasks": sorted(stories)}
    write_cells(terminal, "babilong", *measured, retrieval, settings, json=json, output=output)


def _measure(
    terminal: Terminal,
    options: ModelOptions,
    retrieval: RetrievalOptions,
    groups: Callable[[Tokenizer, Haystack], Iterator[Group]],
    output: Path | None,
) -> tuple[Model, list[Cell]]:
    """Open the model and measure it on the prompts that `groups` makes."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.kept_readings import KeptReadings
    from infini_cli.evaluation.ledger import Ledger
    from infini_cli.evaluation.retrieval import Cell, evaluate_retrieval

    books = retrieval.books
    protect(books, retrieval.ledger, output, retrieval.plot)
    ledger = Ledger(retrieval.ledger, Cell)
    with terminal.progress() as progress:
        model = retrieval.cut(engine.open_model(options, progress))
        made = groups(model.tokenizer, retrieval.read_haystack(books, model.tokenizer))
        controls = not retrieval.no_controls
        kept = KeptReadings(retrieval.ledger, model)
        cells = evaluate_retrieval(
            model, made, progress, controls=controls, ledger=ledger, kept=kept
        )
        return model, list(cells)
