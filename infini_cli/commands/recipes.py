"""`infini recipes`: how summaries are written, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json
from infini_cli.commands.verb import group, verb
from infini_cli.errors import UsageError
from infini_cli.ui.output import write_file
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("name"),
    TableColumn("method"),
    TableColumn("length"),
    TableColumn("what it gives"),
)

app = group("recipes", "List, show and copy recipes: how summaries are written.")

Name = Annotated[
    str, typer.Argument(metavar="NAME|FILE.toml", help="Name of a recipe, or a file of your own.")
]
Copy = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="Where to; `NAME.toml` here if not given."),
]


@app.command("list")
@verb
def list_recipes(terminal: Terminal, json: Json = False) -> None:
    """List the recipes that come with infini."""
    from infini_cli.tasks.recipes import built_in

    found = built_in()
    if json:
        terminal.write(to_json({"recipes": [recipe.to_dict() for recipe in found]}))
        return
    rows = [(one.name, one.method, one.length, one.description) for one in found]
    terminal.write_table(COLUMNS, rows)


@app.command("show")
@verb
def show(terminal: Terminal, name: Name, json: Json = False) -> None:
    """Show a recipe; one of your own is checked."""
    from infini_cli.tasks.recipes import find_recipe, read_recipe

    path = find_recipe(name)
    recipe = read_recipe(path)
    if json:
        terminal.write(to_json(recipe.to_dict()))
    else:
        terminal.write(path.read_text(encoding="utf-8"))


@app.command("copy")
@verb
def copy(terminal: Terminal, name: Name, file: Copy = None, json: Json = False) -> None:
    """Copy a recipe, to change it."""
    from infini_cli.tasks.recipes import SUFFIX, find_recipe, read_recipe

    source = find_recipe(name)
    recipe = read_recipe(source)
    destination = file if file is not None else Path(f"{recipe.name}{SUFFIX}")
    if destination.suffix != SUFFIX:
        raise UsageError(
            f"`{destination}` does not end in `{SUFFIX}`", hint="a recipe's file is told by it"
        )
    if destination.exists():
        raise UsageError(f"`{destination}` is there already", hint="name another file")
    write_file(source.read_bytes(), destination)
    if json:
        terminal.write(to_json({"path": str(destination)}))
    else:
        terminal.note(f"wrote `{destination}`; use it with `--style {destination}`")
