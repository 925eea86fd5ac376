"""`infini eval`: measure what a model's memory holds."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.batch_files import collect_books
from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import group, verb
from infini_cli.errors import UsageError
from infini_cli.ui.output import refuse_to_overwrite
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.passkey import Haystack
    from infini_cli.tokens.tokenizer import Tokenizer

REPEATED = "repeated"
MAX_LENGTH = 100_000_000
COLUMNS = (
    TableColumn("condition"),
    TableColumn("length", is_number=True),
    TableColumn("depth", is_number=True),
    TableColumn("token accuracy", is_number=True),
    TableColumn("exact", is_number=True),
    TableColumn("seconds", is_number=True),
)
PERPLEXITY_COLUMNS = (
    TableColumn("text"),
    TableColumn("condition"),
    TableColumn("segment", is_number=True),
    TableColumn("tokens", is_number=True),
    TableColumn("perplexity", is_number=True),
    TableColumn("by position"),
)
_LENGTH = re.compile(r"^(\d{1,9})([KkMm]?)$")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}

app = group("eval", "Measure what a model's memory holds.")


@app.command("passkey")
@verb
def passkey(
    terminal: Terminal,
    model: ModelOptions,
    lengths: Annotated[
        str, typer.Option("--lengths", help="Tokens of the prompts: `4K,32K,1M`.", metavar="LIST")
    ] = "4K,32K",
    depths: Annotated[
        str,
        typer.Option(
            "--depths", help="`start`, `middle`, `end` or shares from 0 to 1.", metavar="LIST"
        ),
    ] = "start,middle,end",
    haystack: Annotated[
        str,
        typer.Option(
            "--haystack",
            help="`repeated` (the paper's filler), or a text, a book or a folder of them.",
            metavar="REPEATED|PATH",
        ),
    ] = REPEATED,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Prompts a cell.")] = 3,
    facts: Annotated[int, typer.Option("--facts", min=1, max=26, help="Facts a prompt.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of what is drawn.")] = 0,
    segment_length: Annotated[
        int | None,
        typer.Option(
            "--segment-length",
            min=16,
            help="The most tokens in a segment; the model's own where not given.",
            metavar="TOKENS",
        ),
    ] = None,
    no_controls: Annotated[
        bool, typer.Option("--no-controls", help="Leave out memory off and another text's memory.")
    ] = False,
    json: Json = False,
    output: Output = None,
) -> None:
    """Hide pass keys in long texts and ask for them."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.retrieval import evaluate_passkey

    wanted, places = parse_lengths(lengths), parse_depths(depths)
    books = [] if haystack == REPEATED else list(collect_books([Path(haystack)]))
    refuse_to_overwrite(output, books)
    with terminal.progress() as progress:
        loaded = engine.open_model(model, progress)
        if segment_length is not None:
            loaded = replace(loaded, segment_length=segment_length)
        cells = evaluate_passkey(
            loaded,
            _haystack(books, loaded.tokenizer),
            progress,
            lengths=wanted,
            depths=places,
            num_samples=samples,
            num_facts=facts,
            seed=seed,
            controls=not no_controls,
        )
        found = [cell.to_dict() for cell in cells]
    if json or output is not None:
        settings = {
            "model": loaded.name,
            "checkpoint": loaded.checkpoint,
            "form": loaded.form,
            "segment_length": loaded.segment_length,
            "haystack": haystack,
            "num_facts": facts,
            "seed": seed,
        }
        terminal.write(to_json({"test": "passkey", **settings, "cells": found}), output)
        return
    rows = [
        (
            cell["condition"],
            f"{cell['length']:,}",
            f"{cell['depth']:.2f}",
            f"{100 * cell['token_accuracy']:.1f} %",
            f"{100 * cell['exact']:.1f} %",
            f"{cell['seconds']:.1f}",
        )
        for cell in found
    ]
    terminal.write_table(COLUMNS, rows)


@app.command("perplexity")
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
    json: Json = False,
    output: Output = None,
) -> None:
    """Measure how well a model predicts texts, with its memory and without."""
    from infini_cli.commands import engine
    from infini_cli.evaluation.perplexity import evaluate_perplexity
    from infini_cli.evaluation.texts import read_text

    if "," in length:
        raise UsageError("`--length` takes one length", hint="for instance 32K")
    (most,) = parse_lengths(length)
    books = list(collect_books(texts))
    refuse_to_overwrite(output, books)
    with terminal.progress() as progress:
        loaded = engine.open_model(model, progress)
        sizes = parse_lengths(segment_lengths) if segment_lengths else [loaded.segment_length]
        read = ((book.name, loaded.tokenizer.encode(read_text(book))[:most]) for book in books)
        found = [
            prediction.to_dict()
            for prediction in evaluate_perplexity(
                loaded,
                [(name, ids) for name, ids in read if len(ids) > 1],
                progress,
                segment_lengths=sizes,
                num_parts=parts,
                controls=not no_controls,
            )
        ]
    if json or output is not None:
        settings = {"model": loaded.name, "checkpoint": loaded.checkpoint, "form": loaded.form}
        terminal.write(to_json({"test": "perplexity", **settings, "texts": found}), output)
        return
    rows = [
        (
            item["text"],
            item["condition"],
            f"{item['segment_length']:,}",
            f"{item['num_tokens']:,}",
            f"{item['perplexity']:.2f}",
            " ".join(f"{value:.2f}" for value in item["by_position"]),
        )
        for item in found
    ]
    terminal.write_table(PERPLEXITY_COLUMNS, rows)


def parse_lengths(text: str) -> list[int]:
    """Read lengths in tokens: `K` is 1,024, `M` 1,048,576.

    Raises:
        UsageError: one is no length, or out of bounds.
    """
    lengths = []
    for part in text.split(","):
        match = _LENGTH.match(part.strip())
        length = int(match[1]) * _FACTORS[match[2].lower()] if match else 0
        if not 0 < length <= MAX_LENGTH:
            raise UsageError(f"`{part.strip()}` is no length", hint="for instance 4K,32K,1M")
        lengths.append(length)
    return lengths


def parse_depths(text: str) -> list[float]:
    """Read places: names of the paper's three, or shares.

    Raises:
        UsageError: one is no place.
    """
    from infini_cli.evaluation.passkey import DEPTHS

    places = []
    for part in text.split(","):
        name = part.strip()
        try:
            place = DEPTHS[name] if name in DEPTHS else float(name)
        except ValueError:
            place = -1.0
        if not 0 <= place <= 1:
            raise UsageError(f"`{name}` is no depth", hint="start, middle, end, or 0 to 1")
        places.append(place)
    return places


def _haystack(books: list[Path], tokenizer: Tokenizer) -> Haystack:
    from infini_cli.evaluation.passkey import RepeatedHaystack
    from infini_cli.evaluation.texts import read_haystack

    if not books:
        return RepeatedHaystack(tokenizer)
    return read_haystack(books, tokenizer)
