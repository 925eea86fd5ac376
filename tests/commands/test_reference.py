"""The options of the program are a promise: none changes without this test noticing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("options.txt")
GENERATOR = ROOT / "docs" / "reference" / "generate.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate_reference", GENERATOR)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def list_options(generator: ModuleType) -> str:
    """List every option of every command, one a line."""
    lines = []
    for name, command in generator.commands():
        for parameter in generator.options(command):
            is_argument = parameter.param_type_name == "argument"
            names = f"<{parameter.name}>" if is_argument else " ".join(parameter.opts)
            lines.append(f"{name}: {names}")
    return "\n".join(lines) + "\n"


def test_options_are_those_agreed_on(generator: ModuleType) -> None:
    """After a change that is meant: `python tests/commands/test_reference.py`."""
    assert list_options(generator) == GOLDEN.read_text(encoding="utf-8")


def test_every_command_takes_json(generator: ModuleType) -> None:
    without = [
        name
        for name, command in generator.commands()
        if not hasattr(command, "list_commands")
        and not any("--json" in parameter.opts for parameter in command.params)
    ]
    assert not without


def test_every_option_says_what_it_does(generator: ModuleType) -> None:
    silent = [
        f"{name} {parameter.name}"
        for name, command in generator.commands()
        for parameter in generator.options(command)
        if not parameter.help
    ]
    assert not silent


def test_the_same_option_means_the_same_everywhere(generator: ModuleType) -> None:
    meanings: dict[str, set[str]] = {}
    for _, command in generator.commands():
        for parameter in generator.options(command):
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                meanings.setdefault(option, set()).add(parameter.name)
    assert {option: names for option, names in meanings.items() if len(names) > 1} == {}


def test_the_reference_is_current(generator: ModuleType) -> None:
    """After a change: `make docs`."""
    assert generator.PAGE.read_text(encoding="utf-8") == generator.reference()


if __name__ == "__main__":
    specification = importlib.util.spec_from_file_location("generate_reference", GENERATOR)
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(made)
    GOLDEN.write_text(list_options(made), encoding="utf-8")
