"""What the verbs of `infini eval` have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infini_cli.batch.files import collect_books
from infini_cli.commands.documents import to_json
from infini_cli.commands.options import SegmentLength
from infini_cli.errors import UsageError
from infini_cli.ui.figure_files import check_figure
from infini_cli.ui.output import check_destination
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.haystack import Haystack
    from infini_cli.evaluation.retrieval import Cell
    from infini_cli.tasks.model import Model
    from infini_cli.tokens.tokenizer import Tokenizer

REPEATED = "repeated"
MAX_LENGTH = 100_000_000
MIN_PERCENT = 0.1
COLUMNS = (
    TableColumn("condition"),
    TableColumn("task"),
    TableColumn("length", is_number=True),
    TableColumn("depth", is_number=True),
    TableColumn("token accuracy", is_number=True),
    TableColumn("exact", is_number=True),
    TableColumn("seconds", is_number=True),
)
_LENGTH = re.compile(r"^(\d{1,9})([KkMm]?)$")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}

Lengths = Annotated[
    str, typer.Option("--lengths", help="Tokens of the prompts: `4K,32K,1M`.", metavar="LIST")
]
HaystackName = Annotated[
    str,
    typer.Option(
        "--haystack",
        help="`repeated` (the paper's filler), or a text, a book or a folder of them.",
        metavar="REPEATED|PATH",
    ),
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="Prompts a cell.")]
DrawSeed = Annotated[int, typer.Option("--seed", help="Of what is drawn.")]
Facts = Annotated[int, typer.Option("--facts", min=1, max=26, help="Facts a prompt.")]
NoControls = Annotated[
    bool, typer.Option("--no-controls", help="Leave out memory off and another text's memory.")
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        help="Keep each result in this file as it comes; what it holds is not done again.",
        metavar="FILE",
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw what was found: a PNG, SVG or PDF file.", metavar="FILE"),
]


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What is drawn, and how it is read."""

    haystack: HaystackName = REPEATED
    samples: Samples = 3
    seed: DrawSeed = 0
    segment_length: SegmentLength = None
    no_controls: NoControls = False
    ledger: LedgerFile = None
    plot: Plot = None

    @property
    def books(self) -> Sequence[Path]:
        """Files of the haystack; none where it is the paper's filler."""
        return () if self.haystack == REPEATED else collect_books([Path(self.haystack)])

    def read_haystack(self, books: Sequence[Path], tokenizer: Tokenizer) -> Haystack:
        """Make the haystack."""
        from infini_cli.evaluation.haystack import RepeatedHaystack
        from infini_cli.evaluation.texts import read_haystack

        return read_haystack(books, tokenizer) if books else RepeatedHaystack(tokenizer)

    def cut(self, model: Model) -> Model:
        """Give the model with the segments that are asked for."""
        if self.segment_length is None:
            return model
        return replace(model, segment_length=self.segment_length)


def protect(
    inputs: Sequence[Path], ledger: Path | None, output: Path | None, plot: Path | None
) -> None:
    """Refuse to write over what is read, and what would fail only when all is measured.

    Raises:
        UsageError: what is written is an input or the ledger, or the figure cannot be drawn.
    """
    check_destination(ledger, inputs)
    for written in (output, plot):
        check_destination(written, inputs if ledger is None else (*inputs, ledger))
    if plot is not None:
        check_figure(plot)


def describe(model: Model) -> dict[str, Any]:
    """Give what every document says of the model that was measured."""
    return {"model": model.name, "checkpoint": model.checkpoint, "form": model.form}


def write_cells(
    terminal: Terminal,
    test: str,
    model: Model,
    cells: Sequence[Cell],
    options: RetrievalOptions,
    settings: Mapping[str, Any],
    *,
    json: bool,
    output: Path | None,
) -> None:
    """Write what retrieval found: JSON or a table, and the figure."""
    found = [cell.to_dict() for cell in cells]
    if json or output is not None:
        about = {
            **describe(model),
            "segment_length": model.segment_length,
            "haystack": options.haystack,
            "seed": options.seed,
            **settings,
        }
        terminal.write(to_json({"test": test, **about, "cells": found}), output)
    else:
        terminal.write_table(COLUMNS, list(map(_row, cells)))
    if options.plot is not None:
        from infini_cli.ui.plots import plot_cells

        plot_cells(found, options.plot)
        terminal.note(f"drew `{options.plot}`")


def _row(cell: Cell) -> tuple[str, ...]:
    return (
        cell.condition,
        cell.task,
        f"{cell.length:,}",
        "any" if cell.depth is None else f"{cell.depth:.2f}",
        f"{100 * cell.token_accuracy:.1f} %",
        f"{100 * cell.exact:.1f} %",
        f"{cell.seconds:.1f}",
    )


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


def parse_shares(text: str) -> list[float]:
    """Read shares in per cent, each once, as shares of 1.

    Raises:
        UsageError: one is none, or out of bounds.
    """
    shares = []
    for part in text.split(","):
        number = part.strip().removesuffix("%").strip()
        try:
            percent = float(number)
        except ValueError:
            percent = 0.0
        if not MIN_PERCENT <= percent <= 100:
            raise UsageError(
                f"`{part.strip()}` is no share of a text",
                hint=f"{MIN_PERCENT} to 100 per cent, for instance 10,25,50,100",
            )
        shares.append(percent / 100)
    return list(dict.fromkeys(shares))


def parse_numbers(text: str) -> list[int]:
    """Read whole numbers from 1 on.

    Raises:
        UsageError: one is none.
    """
    parts = [part.strip() for part in text.split(",")]
    wrong = [part for part in parts if not part.isdecimal() or int(part) < 1]
    if wrong:
        raise UsageError(f"`{wrong[0]}` is no number of a task", hint="for instance 1,2")
    return [int(part) for part in parts]
