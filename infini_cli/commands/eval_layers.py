"""`infini eval layers`."""

from __future__ import annotations

from typing import Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.eval_options import DrawSeed, Facts, Samples, describe
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("layers"),
    TableColumn("digits right", is_number=True),
    TableColumn("loss", is_number=True),
)


@verb
def layers(
    terminal: Terminal,
    model: ModelOptions,
    samples: Samples = 4,
    seed: DrawSeed = 0,
    choose: Annotated[
        int, typer.Option("--choose", min=1, help="How many layers to choose, one by one.")
    ] = 4,
    facts: Facts = 1,
    json: Json = False,
    output: Output = None,
) -> None:
    """See through which layers a pass key gets to the answer: where a memory must be."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.routes import choose_layers

    with terminal.progress() as progress:
        loaded = engine.open_model(model, progress)
        found = choose_layers(loaded, choose, num_samples=samples, seed=seed, num_facts=facts)
        routes = list(found)
    if json or output is not None:
        document = {"test": "layers", "facts": facts, **describe(loaded)}
        document["routes"] = [route.to_dict() for route in routes]
        terminal.write(to_json(document), output)
        return
    named = [", ".join(map(str, route.layers)) for route in routes]
    names = ["none", *named[1:-1], "all"]
    rows = [
        (name, f"{100 * route.token_accuracy:.0f} %", f"{route.loss:.2f}")
        for name, route in zip(names, routes, strict=True)
    ]
    terminal.write_table(COLUMNS, rows)
