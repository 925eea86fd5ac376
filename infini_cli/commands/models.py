"""`infini models`: fetch, list, check and remove models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infini_cli.commands.confirm import confirm
from infini_cli.commands.documents import to_json
from infini_cli.commands.models_merge import diff, merge
from infini_cli.commands.options import Json, Offline, Yes
from infini_cli.commands.verb import group, verb
from infini_cli.errors import DamagedInput
from infini_cli.ui import phrases
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.store.inventory import ModelStatus
    from infini_cli.store.resolve import ResolvedModel

COLUMNS = (
    TableColumn("name"),
    TableColumn("here"),
    TableColumn("download", is_number=True),
    TableColumn("on disk", is_number=True),
    TableColumn("licence"),
    TableColumn("about"),
)

app = group("models", "Fetch, list, check and remove models.")
app.command("merge")(merge)
app.command("diff")(diff)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A name of `infini models list`.")]
OptionalName = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="A name of `infini models list`.")
]


@app.command("pull")
@verb
def pull(
    terminal: Terminal,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A name of `infini models list`, or `owner/name[@revision]`; the default model.",
        ),
    ] = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Fetch a model, check it, and convert it for this machine."""
    from infini_cli.store import hub, models
    from infini_cli.store.catalog import default_model

    with terminal.progress() as progress:
        if name is not None and hub.is_hub_name(name):
            folder = hub.pull_snapshot(name, offline=offline, progress=progress)
        else:
            # The form is chosen by the processor, which torch knows; without torch the
            # conversion waits for the first use.
            folder = models.pull(name, form=_best_form(), offline=offline, progress=progress).folder
    if json:
        terminal.write(to_json({"name": name, "path": str(folder)}))
    else:
        terminal.note(f"`{name or default_model().name}` is ready in `{folder}`")


@app.command("list")
@verb
def list_models(terminal: Terminal, json: Json = False) -> None:
    """List the models that infini knows, and which are on this machine."""
    from infini_cli.store import inventory

    found = inventory.list_models()
    if json:
        terminal.write(to_json({"models": [_facts(status) for status in found]}))
        return
    terminal.write_table(COLUMNS, [_row(status) for status in found])


@app.command("show")
@verb
def show(terminal: Terminal, name: Name, json: Json = False) -> None:
    """Show where a model comes from, and its card."""
    from infini_cli.store import inventory

    status = inventory.status(name)
    if json:
        terminal.write(to_json({**_facts(status), "card": status.model.card}))
        return
    facts = [f"{key}: {_plain(value)}" for key, value in _facts(status).items()]
    terminal.write("\n".join((*facts, "", status.model.card.strip())))


@app.command("verify")
@verb
def verify(terminal: Terminal, name: Name, json: Json = False) -> None:
    """Hash a model's files again and compare them with what they have to be."""
    from infini_cli.store import models

    with terminal.progress() as progress:
        found = models.verify(name, progress)
    if json:
        terminal.write(
            to_json(
                {
                    "name": name,
                    "is_good": all(file.is_good for file in found),
                    "files": [
                        {
                            "path": str(file.file),
                            "is_good": file.is_good,
                            "expected_sha256": file.expected,
                            "found_sha256": file.found,
                        }
                        for file in found
                    ],
                }
            )
        )
    for file in found:
        if not file.is_good:
            raise DamagedInput(
                f"`{file.file}` is damaged",
                hint=f"run `infini models rm {name}`, then `infini models pull {name}`",
            )
    if not json:
        terminal.write("\n".join(f"{file.found}  {file.file}" for file in found))


@app.command("rm")
@verb
def remove(
    terminal: Terminal,
    names: Annotated[list[str], typer.Argument(metavar="MODEL", help="Names of models.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove models from this machine."""
    from infini_cli.store import inventory, models

    names = list(dict.fromkeys(names))
    for name in names:
        if not inventory.status(name).folder.is_dir():
            raise inventory.not_here(name)
    confirm(f"remove {', '.join(names)}?", yes)
    num_bytes = sum(models.remove(name) for name in names)
    if json:
        terminal.write(to_json({"removed": names, "num_bytes": num_bytes}))
    else:
        terminal.note(f"removed {len(names)}, {phrases.size(num_bytes)}")


@app.command("path")
@verb
def path(terminal: Terminal, name: OptionalName = None, json: Json = False) -> None:
    """Print the folder of a model, or of all models."""
    from infini_cli.store import inventory

    folder = inventory.path(name)
    terminal.write(to_json({"path": str(folder)}) if json else str(folder))


def find_here(name: str) -> ResolvedModel:
    """Find a model's tokenizer and its length of segments, without loading the model.

    Raises:
        ModelNotFound: it is not on this machine.
        ModelError: it is here and cannot be used.
    """
    from infini_cli.store import inventory
    from infini_cli.store.catalog import catalog
    from infini_cli.store.resolve import resolve

    if name in {model.name for model in catalog()}:
        status = inventory.installed(name)
        # Any form will do; a conversion writes the tokenizer too.
        form = status.forms[0] if status.forms else "int8"
        return resolve(name, form=form)
    return resolve(name, form="int8")


def _best_form() -> Any:
    try:
        from infini_models.machine import best_form
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return None
    return best_form()


def _facts(status: ModelStatus) -> dict[str, Any]:
    model = status.model
    return {
        "name": model.name,
        "is_default": model.is_default,
        "is_installed": status.is_installed,
        "base": model.base,
        "licence": model.licence,
        "summary": model.summary,
        "num_parameters": model.num_parameters,
        "segment_length": model.segment_length,
        "trained_memories": list(model.adapters),
        "writes_as_taught": model.writer is not None,
        "knows_what_matters": model.salience is not None,
        "file": model.file_name,
        "num_bytes": model.num_bytes,
        "sha256": model.sha256,
        "sources": [str(source) for source in model.sources],
        "path": str(status.folder),
        "forms": list(status.forms),
        "disk_bytes": status.disk_bytes,
        "partial_bytes": status.partial_bytes,
    }


def _row(status: ModelStatus) -> tuple[str, ...]:
    model = status.model
    here = "yes" if status.is_installed else ("in part" if status.partial_bytes else "no")
    name = f"{model.name} (default)" if model.is_default else model.name
    disk = phrases.size(status.disk_bytes) if status.disk_bytes else "-"
    return name, here, phrases.size(model.num_bytes), disk, model.licence, model.summary


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
