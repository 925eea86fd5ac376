"""`infini eval passkey` and `infini eval babilong`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infini_cli.commands.eval_options import (
    Lengths,
    RetrievalOptions,
    parse_depths,
    parse_lengths,
    parse_numbers,
    write_cells,
)
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.ui.output import refuse_to_overwrite
from infini_cli.ui.terminal import Terminal


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
    facts: Annotated[int, typer.Option("--facts", min=1, max=26, help="Facts a prompt.")] = 1,
    json: Json = False,
    output: Output = None,
) -> None:
    """Hide pass keys in long texts and ask for them."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.retrieval import evaluate_retrieval, passkey_groups

    wanted, places = parse_lengths(lengths), parse_depths(depths)
    books = retrieval.books
    refuse_to_overwrite(output, books)
    with terminal.progress() as progress:
        loaded = retrieval.cut(engine.open_model(model, progress))
        groups = passkey_groups(
            loaded.tokenizer,
            retrieval.read_haystack(books, loaded.tokenizer),
            lengths=wanted,
            depths=places,
            num_samples=retrieval.samples,
            num_facts=facts,
            seed=retrieval.seed,
        )
        controls = not retrieval.no_controls
        cells = list(evaluate_retrieval(loaded, groups, progress, controls=controls))
    settings = {"num_facts": facts}
    write_cells(terminal, "passkey", loaded, cells, retrieval, settings, json=json, output=output)


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
    from infini_cli.commands import engine
    from infini_cli.evaluation.babilong import read_tasks
    from infini_cli.evaluation.retrieval import babilong_groups, evaluate_retrieval

    wanted = parse_lengths(lengths)
    stories = read_tasks(babi, "test", parse_numbers(tasks))
    books = retrieval.books
    refuse_to_overwrite(output, books)
    with terminal.progress() as progress:
        loaded = retrieval.cut(engine.open_model(model, progress))
        groups = babilong_groups(
            loaded.tokenizer,
            retrieval.read_haystack(books, loaded.tokenizer),
            stories,
            lengths=wanted,
            num_samples=retrieval.samples,
            seed=retrieval.seed,
        )
        controls = not retrieval.no_controls
        cells = list(evaluate_retrieval(loaded, groups, progress, controls=controls))
    settings = {"tasks": sorted(stories)}
    write_cells(terminal, "babilong", loaded, cells, retrieval, settings, json=json, output=output)
