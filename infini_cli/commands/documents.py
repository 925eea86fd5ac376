"""JSON as infini writes it: one object a result, its schema named first."""

from __future__ import annotations

import json
from typing import Any

from infini_cli.schema import SCHEMA


def to_json(values: dict[str, Any]) -> str:
    """Write an object for people to read and programs to parse."""
    return json.dumps({"schema": SCHEMA, **values}, ensure_ascii=False, indent=2, default=str)


def to_json_line(values: dict[str, Any]) -> str:
    """Write an object as one line."""
    return json.dumps({"schema": SCHEMA, **values}, ensure_ascii=False, default=str)
