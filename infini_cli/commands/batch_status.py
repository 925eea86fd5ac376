"""`infini batch status`: how a batch stands, from its ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infini_cli.batch.ledger import LEDGER_NAME, Entry, Outcome, read_entries
from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json
from infini_cli.commands.verb import verb
from infini_cli.errors import InputNotFound
from infini_cli.ui import phrases
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("book"),
    TableColumn("outcome"),
    TableColumn("seconds", is_number=True),
    TableColumn("why"),
)
LedgerPath = Annotated[
    Path, typer.Argument(metavar="LEDGER", help="A batch's `run.jsonl`, or the folder it is in.")
]


@verb
def status(terminal: Terminal, ledger: LedgerPath, json: Json = False) -> None:
    """Tell how a batch stands: what is done, what failed and why, what was begun.

    While the batch runs, what it works on is `begun`; in a batch that is over, `begun` is what
    it was stopped in.
    """
    path = ledger / LEDGER_NAME if ledger.is_dir() else ledger
    if not path.is_file():
        raise InputNotFound(
            f"there is no ledger `{path}`", hint="give the folder that `infini batch` wrote to"
        )
    last = {entry.input: entry for entry in read_entries(path)}
    counts = dict.fromkeys((Outcome.DONE, Outcome.FAILED, Outcome.BEGUN), 0)
    for entry in last.values():
        counts[entry.outcome] = counts.get(entry.outcome, 0) + 1
    if json:
        terminal.write(
            to_json(
                {
                    "ledger": str(path),
                    "num_books": len(last),
                    **{f"num_{outcome.value}": count for outcome, count in counts.items()},
                    "books": [_facts(entry) for entry in last.values()],
                }
            )
        )
        return
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())
    terminal.note(f"{phrases.count(len(last), 'book')}: {told}")
    if last:
        terminal.write_table(COLUMNS, [_row(entry) for entry in last.values()])


def _facts(entry: Entry) -> dict[str, object]:
    return {
        "input": entry.input,
        "output": entry.output,
        "outcome": entry.outcome.value,
        "seconds": entry.seconds,
        "error": entry.error,
    }


def _row(entry: Entry) -> tuple[str, str, str, str]:
    seconds = "" if entry.seconds is None else f"{entry.seconds:.1f}"
    why = "" if entry.error is None else str(entry.error.get("message", ""))
    return Path(entry.input).name, entry.outcome.value, seconds, why
