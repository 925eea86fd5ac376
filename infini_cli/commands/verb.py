"""A verb's function becomes a command; parsing and running are two steps.

typer parses the command line and calls the function that `verb` makes. That function runs
nothing: it returns the work, and `infini_cli.commands.program.run` does it outside typer, so
that typer's own treatment of interrupts and closed pipes never comes into play.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any, Concatenate, ParamSpec, get_type_hints

import typer

from infini_cli.commands.options import TerminalOptions
from infini_cli.ui.color import ColorChoice, is_terminal
from infini_cli.ui.terminal import Settings, Terminal

Work = Callable[[], None]
P = ParamSpec("P")

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
NOTHING_GIVEN = 2
BOOKS = ("book", "books")
OTHER_SOURCES = ("memory", "files_from")


def verb(function: Callable[Concatenate[Terminal, P], None]) -> Callable[..., Work]:
    """Give a verb the options that every verb has, and the terminal that they describe.

    A parameter whose type is one of the dataclasses of `infini_cli.commands.options` stands for
    all the options that are its fields; the verb gets them as one value.

    A verb whose book is not given, while nothing comes in on standard input either, shows its
    help and ends with exit code 2: it never waits for a person to type a book.

    Args:
        function: the verb; takes the terminal first, then its own options.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    groups = {
        parameter.name: parameter.annotation
        for parameter in own
        if is_dataclass(parameter.annotation)
    }

    def parsed(context: typer.Context, **values: Any) -> Work:
        settings = merge_settings(context, _take(TerminalOptions, values))
        if _lacks_book(values) and is_terminal(sys.stdin):
            typer.echo(context.get_help(), err=True)
            raise typer.Exit(NOTHING_GIVEN)
        grouped = {name: _take(group, values) for name, group in groups.items()}
        work: Work = partial(function, Terminal(settings), **values, **grouped)
        return work

    parameters = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ]
    for parameter in own:
        if parameter.name in groups:
            parameters += _options(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    parameters += _options(TerminalOptions)
    parsed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    parsed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    parsed.__name__ = function.__name__
    parsed.__doc__ = inspect.getdoc(function)
    return parsed


def group(name: str, summary: str) -> typer.Typer:
    """Make a command that holds others; alone it shows its help and ends with exit code 2.

    Args:
        name: of the command.
        summary: its help.
    """
    made = typer.Typer(
        add_completion=False,
        name=name,
        help=summary,
        context_settings=HELP,
        invoke_without_command=True,
        rich_markup_mode=None,
    )

    @made.callback()
    def parsed(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help(), err=True)
            raise typer.Exit(NOTHING_GIVEN)

    return made


def merge_settings(context: typer.Context, options: TerminalOptions) -> Settings:
    """Add options to those given before the verb: `infini -q toc` is `infini toc -q`.

    Args:
        context: of the command; its `obj` is the settings of the whole run.
        options: what was given here.
    """
    settings = context.ensure_object(Settings)
    settings.quiet |= options.quiet
    settings.verbosity = max(settings.verbosity, options.verbose)
    settings.no_progress |= options.no_progress
    if options.color is not ColorChoice.AUTO:
        settings.color = options.color
    return settings


def _options(group: type) -> Iterator[inspect.Parameter]:
    """Give the fields of an option group as parameters."""
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=field.default,
        )


def _take(group: Any, values: dict[str, Any]) -> Any:
    """Take a group's options out of the values and make the group of them."""
    return group(**{field.name: values.pop(field.name) for field in fields(group)})


def _lacks_book(values: dict[str, Any]) -> bool:
    """Tell whether a verb takes a book and was given neither one nor anything in its place."""
    takes_book = any(name in values for name in BOOKS)
    return takes_book and not any(values.get(name) for name in (*BOOKS, *OTHER_SOURCES))
