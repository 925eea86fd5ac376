"""The layers point one way; torch and rich stay where they belong; libraries do not print."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.project.imports import Module, inside, modules, path_to, resolve

LIBRARY = {"reading", "tokens", "store", "infini_models", "language", "grounding"}

# What each layer may import, itself and `base` aside. Text in -> ids -> model -> ids -> text out ->
# display: a layer knows only those before it.
ALLOWED = {
    "base": set(),
    "batch": set(),
    "reading": set(),
    "tokens": {"reading"},
    "infini_models": set(),
    "store": {"reading", "tokens", "infini_models"},
    "language": set(),
    "grounding": {"reading", "tokens", "store", "language"},
    "tasks": LIBRARY,
    "evaluation": {*LIBRARY, "tasks"},
    "ui": {"reading", "tokens", "store", "grounding", "tasks"},
    "training": {*LIBRARY, "tasks", "evaluation"},
    "commands": {*LIBRARY, "tasks", "evaluation", "training", "batch", "ui"},
    "entry": {"commands"},
}

# Modules that run as a process of their own and answer through their standard output.
PROCESSES = {"infini_cli.reading.pdf_worker"}


def every_module() -> Iterator[Module]:
    return iter(modules().values())


def test_every_folder_has_a_layer() -> None:
    assert {module.layer for module in every_module()} <= ALLOWED.keys()


def test_layers_point_one_way() -> None:
    wrong = []
    for module in every_module():
        known = ALLOWED[module.layer] | {module.layer}
        if module.layer != "infini_models":
            known |= {"base"}
        for item in module.imports:
            target = resolve(item.target)
            if target is not None and target.layer not in known:
                wrong.append(f"{module.name}:{item.line} imports {item.target} ({target.layer})")
    assert not wrong


def test_the_model_library_knows_no_program() -> None:
    wrong = [
        f"{module.name}:{item.line} imports {item.target}"
        for module in every_module()
        if module.layer == "infini_models"
        for item in module.imports
        if any(inside(item.target, other) for other in ("infini_cli", "rich", "typer"))
    ]
    assert not wrong


def test_only_ui_imports_rich() -> None:
    wrong = [
        f"{module.name}:{item.line}"
        for module in every_module()
        if module.layer != "ui"
        for item in module.imports
        if inside(item.target, "rich")
    ]
    assert not wrong


def test_only_commands_import_typer() -> None:
    wrong = [
        f"{module.name}:{item.line}"
        for module in every_module()
        if module.layer not in ("commands", "entry")
        for item in module.imports
        if inside(item.target, "typer")
    ]
    assert not wrong


@pytest.mark.parametrize("layer", ["base", "batch", "reading", "tokens", "ui"])
def test_layers_without_a_model_know_no_torch(layer: str) -> None:
    wrong = [
        f"{module.name}:{item.line} imports {item.target}"
        for module in every_module()
        if module.layer == layer
        for item in module.imports
        if inside(item.target, "torch") or inside(item.target, "safetensors.torch")
    ]
    assert not wrong


def test_importing_the_program_never_imports_torch() -> None:
    """Follow imports through both packages: torch costs a second that `--help` must not pay."""
    chains = [
        " -> ".join(chain)
        for module in every_module()
        if module.name.startswith("infini_cli")
        for package in ("torch", "safetensors.torch", "transformers")
        if (chain := path_to(module, package))
    ]
    assert not chains


def test_libraries_do_not_print() -> None:
    """Results are returned, progress is reported: only `ui` and `commands` write to a stream."""
    wrong = []
    for module in every_module():
        if module.layer in ("ui", "commands", "entry") or module.name in PROCESSES:
            continue
        for node in ast.walk(module.tree):
            is_print = isinstance(node, ast.Name) and node.id == "print"
            is_stream = isinstance(node, ast.Attribute) and ast.unparse(node) in (
                "sys.stdout",
                "sys.stderr",
            )
            if is_print or is_stream:
                wrong.append(f"{module.name}:{node.lineno}")
    assert not wrong


def test_imports_are_seen() -> None:
    """The reader of imports finds what the other tests rely on."""
    decoder = modules()["infini_models.decoder"]
    assert any(inside(item.target, "torch") for item in decoder.imports)
    assert path_to(decoder, "torch")
    book = modules()["infini_cli.reading.book"]
    assert not path_to(book, "torch")
    assert all(module.tree.body for module in every_module())
