"""`infini eval heads`."""

from __future__ import annotations

from typing import Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.eval_options import DrawSeed, Samples, describe
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("layer", is_number=True),
    TableColumn("best", is_number=True),
    TableColumn("sum", is_number=True),
    TableColumn("tells", is_number=True),
    TableColumn("heads"),
)
TELLING = 0.5
"""Share of the digits; chance is a tenth."""


@verb
def heads(
    terminal: Terminal,
    model: ModelOptions,
    samples: Samples = 3,
    seed: DrawSeed = 0,
    least: Annotated[
        float,
        typer.Option(
            "--least",
            min=0,
            max=1,
            help="Show layers whose best head has it, or which tell half of the digits.",
        ),
    ] = 0.05,
    json: Json = False,
    output: Output = None,
) -> None:
    """See which heads copy a pass key, which layers tell its digits: where to train a memory."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.heads import evaluate_heads

    with terminal.progress() as progress:
        loaded = engine.open_model(model, progress)
        layers = evaluate_heads(loaded, num_samples=samples, seed=seed)
    if json or output is not None:
        found = [layer.to_dict() for layer in layers]
        terminal.write(to_json({"test": "heads", **describe(loaded), "layers": found}), output)
        return
    rows = [
        (
            str(layer.layer),
            f"{max(layer.shares):.2f}",
            f"{sum(layer.shares):.2f}",
            f"{layer.tells:.2f}",
            " ".join(f"{share:.2f}" for share in layer.shares),
        )
        for layer in layers
        if max(layer.shares) >= least or layer.tells >= TELLING
    ]
    terminal.write_table(COLUMNS, rows)
