"""`infini models merge` and `infini models diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json, Offline
from infini_cli.commands.verb import verb
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.progress import Progress
    from infini_cli.store.resolve import ResolvedModel

AnyName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A name, a folder, or `owner/name[@revision]`.")
]


@verb
def merge(
    terminal: Terminal,
    name: AnyName,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder to make.", metavar="FOLDER")
    ],
    adapter: Annotated[
        Path | None,
        typer.Option(
            "--adapter",
            help="The trained memory, a file or a name of `infini models show`.",
            metavar="FILE",
        ),
    ] = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Write a model and a trained memory as one checkpoint, a folder that `--model` takes."""
    from infini_cli.errors import UsageError
    from infini_cli.store import checkpoint
    from infini_cli.store.resolve import find_adapter

    with terminal.progress() as progress:
        resolved = _resolve(name, offline, progress)
        chosen = find_adapter(name, adapter)
        if chosen is None:
            raise UsageError(
                f"no trained memory comes with `{name}`", hint="name one with `--adapter`"
            )
        checkpoint.merge(resolved, chosen, output, "bfloat16", progress)
    if json:
        terminal.write(to_json({"path": str(output)}))
    else:
        terminal.note(f"wrote `{output}`")


@verb
def diff(
    terminal: Terminal,
    name: AnyName,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The adapter to write.", metavar="FILE")
    ],
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Take the trained memory out of a merged checkpoint: what it adds to its base."""
    from infini_cli.store import checkpoint

    with terminal.progress() as progress:
        checkpoint.split(_resolve(name, offline, progress), output, "bfloat16", progress)
    if json:
        terminal.write(to_json({"path": str(output)}))
    else:
        terminal.note(f"wrote `{output}`")


def _resolve(name: str, offline: bool, progress: Progress) -> ResolvedModel:
    from infini_cli.store.resolve import ensure

    return ensure(name, form="bfloat16", offline=offline, progress=progress)
