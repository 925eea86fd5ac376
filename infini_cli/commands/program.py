"""The program: all verbs under one name, and how their failures end it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from infini_cli.commands import options
from infini_cli.commands.lazy_group import LazyGroup
from infini_cli.commands.verb import HELP, NOTHING_GIVEN, merge_settings
from infini_cli.errors import InfiniError, Interrupted
from infini_cli.ui.color import ColorChoice
from infini_cli.ui.messages import write_error, write_line
from infini_cli.ui.output import ClosedOutput
from infini_cli.ui.terminal import Settings

EXIT_CODES = """\b
Exit codes: 0 done; 1 a bug; 2 the command line is wrong; 3 the book cannot be
read; 4 the model is missing or does not fit; 5 a batch finished and some books
failed; 130 interrupted, what was computed is saved."""

app = typer.Typer(
    name="infini",
    cls=LazyGroup,
    help="Read whole books in constant memory, then summarise them and answer questions.",
    epilog=EXIT_CODES,
    context_settings=HELP,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def infini(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_progress: options.NoProgress = False,
    color: options.Color = ColorChoice.AUTO,
) -> None:
    """Take the options that stand before the verb."""
    if show_version:
        from infini_cli.commands.version import write_version

        write_version()
        raise typer.Exit
    given = options.TerminalOptions(quiet, verbose, no_progress, color)
    merge_settings(context, given)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(NOTHING_GIVEN)


def run(arguments: Sequence[str]) -> int:
    """Run infini.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code. Whatever went wrong has been told on standard error.
    """
    settings = Settings()
    try:
        work = app(args=list(arguments), prog_name="infini", standalone_mode=False, obj=settings)
        if callable(work):
            _quieten_libraries(settings)
            work()
        return work if isinstance(work, int) else 0
    except ClosedOutput:
        return 0
    except SystemExit as error:
        return _typer_exit_code(error)
    except typer.TyperException as error:
        return _report(_as_usage_error(error), settings)
    except InfiniError as error:
        return _report(error, settings)
    except (KeyboardInterrupt, typer.Abort):
        return _report(Interrupted("interrupted"), settings)
    except Exception as error:
        return _report_bug(error, settings)


def _report(error: InfiniError, settings: Settings) -> int:
    if settings.is_debugging:
        import traceback

        write_line("".join(traceback.format_exception(error)).rstrip())
    write_error(error.message, error.hint, settings.color)
    return error.exit_code


def _report_bug(error: Exception, settings: Settings) -> int:
    if isinstance(error, MemoryError):
        bug = InfiniError("out of memory", hint="close other programs, or use a smaller model")
    else:
        name = type(error).__name__
        hint = "this is a bug; run it again with -vv to see where it happened"
        bug = InfiniError(
            f"internal error: {name}: {error}" if str(error) else f"internal error: {name}",
            hint=hint,
        )
    bug.__cause__ = error
    return _report(bug, settings)


def _as_usage_error(error: typer.TyperException) -> InfiniError:
    """Put typer's message into the style of all others."""
    message = error.format_message().replace("'", "`").rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "infini"
    usage = InfiniError(message[:1].lower() + message[1:], hint=f"see `{path} --help`")
    usage.exit_code = error.exit_code
    return usage


def _typer_exit_code(error: SystemExit) -> int:
    """Give the code of typer's own exits: completion, and help that nobody reads to its end."""
    if isinstance(error.__context__, BrokenPipeError):
        return 0
    return error.code if isinstance(error.code, int) else 1


def _quieten_libraries(settings: Settings) -> None:
    """Keep what libraries log and warn off the user's terminal, except with -vv."""
    import logging
    import warnings

    root = logging.getLogger()
    if settings.is_debugging:
        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
        return
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    warnings.simplefilter("ignore")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


__all__ = ["app", "run"]
