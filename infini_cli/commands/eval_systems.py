"""What the verbs that compare systems on texts have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.eval_options import DrawSeed, LedgerFile, Plot
from infini_cli.errors import UsageError
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.bootstrap import Figure
    from infini_cli.evaluation.results import SystemFigures
    from infini_cli.tasks.model import Model

LABELS = {
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rouge": "ROUGE, mean",
    "support": "supported",
    "repetition": "repeated",
    "novelty": "novel",
    "length_error": "length error",
    "accuracy": "accuracy",
    "exact_match": "exact match",
    "f1": "F1",
    "declined": "declined",
    "declined_unanswerable": "declined, rightly",
    "evidence_1": "evidence in 1",
    "evidence_3": "evidence in 3",
    "evidence_6": "evidence in 6",
}
"""Names of the figures in tables and plots, in their order there."""
MISSING = "-"


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What is measured, and what is kept of it."""

    whole_book: Annotated[
        Path | None,
        typer.Option("--book", help="The text of all records.", metavar="BOOK"),
    ] = None
    book_folder: Annotated[
        Path | None,
        typer.Option(
            "--library",
            help="Folder that paths of books begin in; that of FILE where not given.",
            metavar="FOLDER",
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Take the first items alone.", metavar="NUMBER"),
    ] = None
    seed: DrawSeed = 0
    ledger: LedgerFile = None
    items: Annotated[
        bool, typer.Option("--items", help="Write every item's result into the JSON.")
    ] = False
    plot: Plot = None


def parse_systems(text: str, known: Sequence[str]) -> list[str]:
    """Read names of systems, each once.

    Raises:
        UsageError: one is no system.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if wrong := [name for name in names if name not in known]:
        raise UsageError(f"`{wrong[0]}` is no system", hint=f"of {', '.join(known)}")
    return names


def write_systems(
    terminal: Terminal,
    test: str,
    model: Model | None,
    systems: Sequence[SystemFigures],
    options: TextOptions,
    settings: Mapping[str, Any],
    *,
    json: bool,
    output: Path | None,
) -> None:
    """Write what was found: JSON or a table with the systems side by side, and the figure."""
    found = [system.to_dict(with_items=options.items) for system in systems]
    if json or output is not None:
        about = {
            "model": model.name if model is not None else None,
            "checkpoint": model.checkpoint if model is not None else None,
            "form": model.form if model is not None else None,
            "segment_length": model.segment_length if model is not None else None,
            "seed": options.seed,
            **settings,
        }
        terminal.write(to_json({"test": test, **about, "systems": found}), output)
    else:
        _write_table(terminal, systems)
    if options.plot is not None:
        from infini_cli.ui.system_plots import plot_systems

        plot_systems(found, LABELS, options.plot)
        terminal.note(f"drew `{options.plot}`")


def _write_table(terminal: Terminal, systems: Sequence[SystemFigures]) -> None:
    columns = [TableColumn("%"), *(TableColumn(s.label, is_number=True) for s in systems)]
    rows = [
        (label, *(_cell(system.figures.get(name)) for system in systems))
        for name, label in LABELS.items()
        if any(name in system.figures for system in systems)
    ]
    rows.append(("items", *(f"{system.num_items:,}" for system in systems)))
    rows.append(("seconds", *(f"{system.seconds:,.1f}" for system in systems)))
    terminal.write_table(columns, rows)


def _cell(figure: Figure | None) -> str:
    """Give a mean in per cent and half the width of its interval."""
    if figure is None:
        return MISSING
    mean = f"{100 * figure.mean:.1f}"
    if figure.low is None or figure.high is None:
        return mean
    return f"{mean} \u00b1 {50 * (figure.high - figure.low):.1f}"
