"""Write `cli.md`, the reference of the command line, from the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from infini_cli.commands.program import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# Command line

Written by `docs/reference/generate.py` from the program; do not edit.

Standard output carries the result and nothing else; progress, warnings and errors go to standard
error. Every command takes `--json`; its objects name their schema, `infini/2`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a bug, or nothing more precise |
| 2 | the command line asks for something impossible |
| 3 | the book cannot be read |
| 4 | the model is missing or does not fit |
| 5 | a batch finished and some of its books failed |
| 130 | interrupted; what was computed is saved |
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Give every command by its full name, in the order of the help."""
    root = typer.main.get_command(app)
    yield from _below("infini", root)


def options(command: Any) -> list[Any]:
    """Give the parameters of a command, arguments first, without `--help`."""
    found = [parameter for parameter in command.params if parameter.name != "help"]
    return sorted(found, key=lambda parameter: parameter.param_type_name != "argument")


def reference() -> str:
    """Write the page."""
    parts = [HEAD]
    for name, command in commands():
        level = "##" if name.count(" ") < 2 else "###"
        parts.append(f"{level} {name}\n\n{_paragraphs(command.help)}\n")
        rows = [_row(parameter) for parameter in options(command)]
        if rows:
            parts.append("| option | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    if hasattr(command, "list_commands"):
        context = typer.Context(command, info_name=name)
        for child in command.list_commands(context):
            yield from _below(f"{name} {child}", command.get_command(context, child))


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    metavar = parameter.metavar or (parameter.name.upper() if is_argument else "")
    choices = getattr(parameter.type_descriptor, "choices", None)
    if choices and not metavar:
        metavar = "|".join(str(getattr(choice, "value", choice)) for choice in choices)
    names = metavar if is_argument else ", ".join([*parameter.opts, *parameter.secondary_opts])
    takes_value = not is_argument and not parameter.is_flag and not parameter.count
    if takes_value and metavar:
        names = f"{names} {metavar}"
    meaning = parameter.help or ""
    if parameter.envvar:
        meaning += f" Environment: `{parameter.envvar}`."
    return f"| `{_cell(names)}` | {_cell(meaning)} | {_default(parameter)} |"


def _default(parameter: Any) -> str:
    default = getattr(parameter.default, "value", parameter.default)
    if default is None or default is False or parameter.required:
        return "required" if parameter.required else ""
    return "" if parameter.count else f"`{default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
