"""A group of verbs whose modules are imported when they are run, not when they are listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from infini_cli.commands.verb import HELP

VERBS = {
    "summarize": "Summarise books.",
    "ask": "Ask a book a question; the answer cites its passages.",
    "chat": "Talk about a book: questions that lean on those before them.",
    "read": "Read a book once and keep the memory of it in a file.",
    "batch": "Summarise many books into a folder.",
    "toc": "List the chapters of a book, and which of them are read.",
    "extract": "Write the text of a book, cleaned and in reading order.",
    "tokens": "Count the tokens that a model would read of a book.",
    "recipes": "List, show and copy recipes: how summaries are written.",
    "train": "Teach a model a memory, to write notes, or what matters; its base stays as it is.",
    "eval": "Measure what a model's memory holds, and what it writes.",
    "models": "Fetch, list, check and remove models.",
    "memory": "Manage the book memories that infini keeps.",
    "version": "Show the version.",
}
"""Every verb and what it does; the first line of its help says the same."""


class LazyGroup(TyperGroup):
    """The verbs of `VERBS`; each is a module of this package with a `command` or an `app`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # What typer suggests a name from when one is misspelt.
        self.commands = dict.fromkeys(VERBS)  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:
        """List the verbs in the order of `VERBS`."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a verb; None if there is none of that name."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"infini_cli.commands.{cmd_name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(cmd_name, context_settings=HELP)(module.command)
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs in the help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))
