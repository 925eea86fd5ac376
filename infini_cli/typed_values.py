"""Settings and records from files: read into dataclasses, and nothing in them left unchecked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from infini_cli.errors import InputNotFound, UsageError

MAX_BYTES = 1 << 20
Span = tuple[int, int]
"""The least and the most."""
Part = TypeVar("Part")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InputNotFound: it cannot be read.
        UsageError: it is no TOML, or larger than any file of settings.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError(f"`{path.name}` is larger than {MAX_BYTES:,} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise InputNotFound(f"cannot read `{path}`: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{path.name}` is no TOML: {error}") from error


def make_part(kind: type[Part], values: Any, where: str = "") -> Part:
    """Make a dataclass of a table, each value of the type that its field has.

    Args:
        kind: the dataclass.
        values: the table; values that are dataclasses already are taken as they are.
        where: name of the table with a dot after it, for messages.

    Raises:
        UsageError: it is no table, or a value of it is unknown, missing or of another type.
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"`{where.rstrip('.')}` is no table")
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"`{where}{name}` is not known", hint=f"known: {', '.join(known)}")
        made[name] = _value(value, known[name], where + name)
    try:
        return kind(**made)
    except TypeError as error:
        missing = [n for n in known if n not in made and f"'{n}'" in str(error)]
        raise UsageError(f"`{where}{missing[0] if missing else '?'}` is missing") from error


def _value(value: Any, kind: str, name: str) -> Any:
    if kind.endswith(" | None"):
        return None if value is None else _value(value, kind.removesuffix(" | None"), name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "float" and (whole or isinstance(value, float)):
        return float(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int" and whole:
        return value
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "Span" and whole:
        return (value, value)
    numbers = isinstance(value, list) and all(type(item) is int for item in value)
    if kind == "tuple[int, ...]" and numbers:
        return tuple(value)
    if kind == "Span" and numbers and len(value) == 2:
        return tuple(value)
    if kind == "tuple[float, ...]" and isinstance(value, list):
        return tuple(_value(item, "float", name) for item in value)
    if kind == "dict[str, float]" and isinstance(value, dict):
        return {key: _value(item, "float", f"{name}.{key}") for key, item in value.items()}
    if kind.endswith("Recipe") or kind == "Path":
        return value
    raise UsageError(f"`{name}` is not {kind}: {value!r}")
