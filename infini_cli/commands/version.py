"""`infini version`."""

from __future__ import annotations

import platform

from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json
from infini_cli.commands.verb import verb
from infini_cli.ui.output import write_result
from infini_cli.ui.terminal import Terminal


@verb
def command(terminal: Terminal, json: Json = False) -> None:
    """Show the version."""
    if json:
        from infini_cli import __version__

        versions = {"infini": __version__, "python": platform.python_version()}
        terminal.write(to_json({"versions": versions}))
    else:
        write_version()


def write_version() -> None:
    """Write `infini` and its version to standard output."""
    from infini_cli import __version__

    write_result(f"infini {__version__}")
