"""Dataclasses from JSON that nobody vouches for: every field is of its type, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def from_json(kind: Any, value: Any) -> Any:
    """Make a value of a type.

    Args:
        kind: a dataclass, an enumeration, `str`, `int`, `float`, a tuple of any number of one kind,
            a mapping from text to one kind, or one of these or None.
        value: as JSON gives it: lists for tuples, objects for dataclasses.

    Raises:
        ValueError: it is not of that type.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is None and NoneType in arguments:
            return None
        (kind,) = (argument for argument in arguments if argument is not NoneType)
        return from_json(kind, value)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(from_json(arguments[0], item) for item in value)
    if origin is dict and isinstance(value, dict):
        return {str(key): from_json(arguments[1], item) for key, item in value.items()}
    if isinstance(kind, type):
        if is_dataclass(kind) and isinstance(value, dict):
            return _of_fields(kind, value)
        if issubclass(kind, Enum):
            return kind(value)
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if kind in (str, int) and type(value) is kind:
            return value
    raise ValueError(f"{value!r:.100} is no {kind}")


def _of_fields(kind: type, values: Mapping[str, Any]) -> Any:
    types, needed = _fields(kind)
    if values.keys() - types.keys() or needed - values.keys():
        raise ValueError(f"{sorted(values)} are not the fields of {kind.__name__}")
    return kind(**{name: from_json(types[name], value) for name, value in values.items()})


@lru_cache
def _fields(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Give the types of a dataclass's fields, and the names of those that have no default."""
    hints = get_type_hints(kind)
    known = fields(kind)
    needed = (f for f in known if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: hints[f.name] for f in known}, frozenset(f.name for f in needed)
