"""`infini memory`: the book memories that infini keeps."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from infini_cli import paths
from infini_cli.commands.confirm import confirm
from infini_cli.commands.documents import to_json
from infini_cli.commands.options import Json, Yes
from infini_cli.commands.verb import group, verb
from infini_cli.errors import InfiniError, InputNotFound, MemoryMismatch
from infini_cli.ui import phrases
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("name"),
    TableColumn("book"),
    TableColumn("model"),
    TableColumn("read", is_number=True),
    TableColumn("size", is_number=True),
    TableColumn("last used"),
)
MIN_KEY = 4

app = group("memory", "Manage the book memories that infini keeps.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name, or its beginning, or a file.")]


@app.command("list")
@verb
def list_memories(terminal: Terminal, json: Json = False) -> None:
    """List the book memories on this machine."""
    facts = [_facts(path) for path in _stored()]
    if json:
        terminal.write(to_json({"memories": facts}))
        return
    if not facts:
        terminal.note(f"no book memories in `{paths.memories_dir()}`")
    rows = [
        (
            str(fact["name"])[:12],
            str(fact["title"]),
            str(fact["model"]),
            f"{fact['percent_read']} %",
            phrases.size(int(fact["num_bytes"])),
            str(fact["last_used"])[:10],
        )
        for fact in facts
    ]
    if rows:
        terminal.write_table(COLUMNS, rows)


@app.command("show")
@verb
def show(terminal: Terminal, name: Name, json: Json = False) -> None:
    """Show what a book memory says of itself."""
    facts = _facts(_find(name), with_header=True)
    if json:
        terminal.write(to_json(facts))
        return
    lines = [f"{key}: {value}" for key, value in facts.items() if not isinstance(value, dict)]
    lines += [f"{key}: {value}" for key, value in facts.get("identity", {}).items()]
    terminal.write("\n".join(lines))


@app.command("rm")
@verb
def remove(
    terminal: Terminal,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Names, or their beginnings, or files.")
    ],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove book memories."""
    found = list(dict.fromkeys(_find(name) for name in names))
    _check_are_memories(found)
    confirm(f"remove {phrases.count(len(found), 'book memory', 'book memories')}?", yes)
    _remove(found, terminal, json)


@app.command("prune")
@verb
def prune(
    terminal: Terminal,
    older_than: Annotated[
        int,
        typer.Option("--older-than", min=0, help="Not used for this many days.", metavar="DAYS"),
    ] = 30,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove the book memories that were not used for a while."""
    limit = datetime.now(UTC) - timedelta(days=older_than)
    found = [path for path in _stored() if _last_used(path) <= limit]
    if found:
        confirm(f"remove {len(found)} of {len(_stored())} book memories?", yes)
    _remove(found, terminal, json)


def _check_are_memories(paths: list[Path]) -> None:
    """Refuse any other file; what infini keeps itself is one, if damaged.

    Raises:
        InputError: one is none.
    """
    from infini_cli.store.memory_file import read_header

    for path in set(paths) - set(_stored()):
        with suppress(MemoryMismatch):
            read_header(path)


def _remove(found: list[Path], terminal: Terminal, json: bool) -> None:
    num_bytes = sum(_size(path) for path in found)
    for path in found:
        path.unlink(missing_ok=True)
    if json:
        removed = [path.stem for path in found]
        terminal.write(to_json({"removed": removed, "num_bytes": num_bytes}))
    else:
        terminal.note(f"removed {len(found)}, {phrases.size(num_bytes)}")


def _stored() -> list[Path]:
    """List memory files, the one used last first."""
    from infini_cli.store.memory_file import SUFFIX

    found = list(paths.memories_dir().glob(f"*{SUFFIX}"))
    return sorted(found, key=lambda path: (-path.stat().st_mtime, path.name))


def _find(name: str) -> Path:
    """Find a memory by file, by name or by the beginning of its name.

    Raises:
        InputNotFound: there is none, or more than one.
    """
    if Path(name).is_file():
        return Path(name)
    stored = _stored()
    matches = [path for path in stored if path.stem == name]
    if not matches and len(name) >= MIN_KEY:
        matches = [path for path in stored if path.stem.startswith(name)]
    if len(matches) != 1:
        many = "more than one book memory" if matches else "no book memory"
        raise InputNotFound(f"{many} named `{name}`", hint="see `infini memory list`")
    return matches[0]


def _facts(path: Path, *, with_header: bool = False) -> dict[str, Any]:
    from infini_cli.store.memory_file import read_header

    facts: dict[str, Any] = {"name": path.stem, "path": str(path), "num_bytes": _size(path)}
    facts["last_used"] = _last_used(path).isoformat(timespec="seconds")
    try:
        header = read_header(path)
    except InfiniError as error:
        if with_header:
            raise
        return {**facts, "title": "", "model": f"({error.message})", "percent_read": 0}
    facts["title"] = header.get("title", "")
    facts["model"] = header["identity"]["model"]
    for name in ("num_tokens_read", "num_tokens", "num_segments_read", "num_segments"):
        facts[name] = header[name]
    facts["percent_read"] = phrases.percent(header["num_tokens_read"], header["num_tokens"])
    if with_header:
        facts["identity"] = header["identity"]
    return facts


def _size(path: Path) -> int:
    return path.stat().st_size


def _last_used(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
