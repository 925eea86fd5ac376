"""`infini eval perplexity`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from infini_cli.batch.files import collect_books
from infini_cli.commands.documents import to_json
from infini_cli.commands.eval_options import LedgerFile, Plot, describe, parse_lengths, protect
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

NEIGHBOURS_SHARE = 0.25
"""The better of 0.1 and 0.25 in most of six layers of the small model, on two novels."""
COLUMNS = (
    TableColumn("text"),
    TableColumn("condition"),
    TableColumn("segment", is_number=True),
    TableColumn("tokens", is_number=True),
    TableColumn("perplexity", is_number=True),
    TableColumn("floats", is_number=True),
    TableColumn("by position"),
)


@verb
def perplexity(
    terminal: Terminal,
    model: ModelOptions,
    texts: Annotated[
        list[Path], typer.Argument(metavar="TEXT", help="Texts, books, or folders of them.")
    ],
    length: Annotated[
        str, typer.Option("--length", help="Tokens of each text that count.", metavar="TOKENS")
    ] = "32K",
    segment_lengths: Annotated[
        str | None,
        typer.Option(
            "--segment-lengths",
            help="The most tokens in a segment; the model's own where not given.",
            metavar="LIST",
        ),
    ] = None,
    parts: Annotated[
        int, typer.Option("--parts", min=1, help="Parts of a text that are told apart.")
    ] = 4,
    no_controls: Annotated[
        bool, typer.Option("--no-controls", help="Leave out memory off.")
    ] = False,
    baselines: Annotated[
        bool,
        typer.Option("--baselines", help="Measure a cached window and nearest neighbours too."),
    ] = False,
    neighbours_layer: Annotated[
        int | None,
        typer.Option(
            "--neighbours-layer",
            min=0,
            help="Where neighbours are looked for; three quarters up where not given.",
            metavar="NUMBER",
        ),
    ] = None,
    neighbours_share: Annotated[
        float,
        typer.Option(
            "--neighbours-share",
            min=0,
            max=1,
            help="Of what they give; the rest is local attention.",
            metavar="SHARE",
        ),
    ] = NEIGHBOURS_SHARE,
    ledger: LedgerFile = None,
    plot: Plot = None,
    json: Json = False,
    output: Output = None,
) -> None:
    """Measure how well a model predicts texts, with its memory and without."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.ledger import Ledger
    from infini_cli.evaluation.perplexity import Prediction, evaluate_perplexity, sum_up
    from infini_cli.evaluation.readers import BASELINES, CONDITIONS
    from infini_cli.evaluation.texts import read_text

    if "," in length:
        raise UsageError("`--length` takes one length", hint="for instance 32K")
    (most,) = parse_lengths(length)
    conditions = (*CONDITIONS[: 1 if no_controls else 2], *(BASELINES if baselines else ()))
    books = list(collect_books(texts))
    protect(books, ledger, output, plot)
    known = Ledger(ledger, Prediction)
    with terminal.progress() as progress:
        loaded = engine.open_model(model, progress)
        from infini_models.baselines import Neighbours  # loads torch

        num_layers = loaded.decoder.config.num_layers
        layer = 3 * num_layers // 4 if neighbours_layer is None else neighbours_layer
        if layer >= num_layers:
            raise UsageError(f"there is no layer {layer}", hint=f"the last is {num_layers - 1}")
        sizes = parse_lengths(segment_lengths) if segment_lengths else [loaded.segment_length]
        read = ((book.name, loaded.tokenizer.encode(read_text(book))[:most]) for book in books)
        predictions = list(
            evaluate_perplexity(
                loaded,
                [(name, ids) for name, ids in read if len(ids) > 1],
                progress,
                segment_lengths=sizes,
                num_parts=parts,
                conditions=conditions,
                neighbours=Neighbours(layer, neighbours_share),
                ledger=known,
            )
        )
    found = [prediction.to_dict() for prediction in predictions]
    overall = [item.to_dict() for item in sum_up(predictions)]
    if json or output is not None:
        terminal.write(
            to_json({"test": "perplexity", **describe(loaded), "texts": found, "overall": overall}),
            output,
        )
    else:
        terminal.write_table(COLUMNS, _rows(found, overall))
    if plot is not None:
        from infini_cli.ui.plots import plot_predictions

        plot_predictions(found, plot)
        terminal.note(f"drew `{plot}`")


def _rows(
    found: Sequence[Mapping[str, Any]], overall: Sequence[Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (
            item["text"],
            item["condition"],
            f"{item['segment_length']:,}",
            f"{item['num_tokens']:,}",
            f"{item['perplexity']:.2f}",
            f"{item['memory_floats']:,}",
            " ".join(f"{value:.2f}" for value in item["by_position"]),
        )
        for item in found
    ]
    rows += [
        (
            f"mean of {item['num_texts']}",
            item["condition"],
            f"{item['segment_length']:,}",
            "",
            f"{item['perplexity']:.2f}",
            "",
            "" if item["against_off"] is None else f"{item['against_off'] - 1:+.1%} against off",
        )
        for item in overall
    ]
    return rows
