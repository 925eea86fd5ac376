"""Settings and records: nothing unknown, nothing of another type, nothing endless."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import InfiniError, InputNotFound, UsageError
from infini_cli.typed_values import MAX_BYTES, Span, make_part, read_toml


@dataclass(frozen=True)
class Settings:
    name: str
    share: float = 0.5
    count: int = 1
    is_on: bool = False
    length: Span = (1, 2)
    layers: tuple[int, ...] = ()


def test_values_are_those_of_the_fields() -> None:
    values = {"name": "a", "share": 1, "length": 3, "layers": [1, 2]}
    assert make_part(Settings, values) == Settings("a", 1.0, 1, False, (3, 3), (1, 2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "`t.name` is missing"),
        ({"name": 1}, "`t.name` is not str: 1"),
        ({"name": "a", "nme": "b"}, "`t.nme` is not known"),
        ({"name": "a", "count": True}, "`t.count` is not int: True"),
        ({"name": "a", "count": 1.0}, "`t.count` is not int"),
        ({"name": "a", "is_on": 1}, "`t.is_on` is not bool"),
        ({"name": "a", "layers": [True]}, "`t.layers` is not tuple"),
        ({"name": "a", "length": [1, 2, 3]}, "`t.length` is not Span"),
        ([], "`t` is no table"),
    ],
)
def test_what_is_wrong_is_named(values: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_part(Settings, values, "t.")
    assert message in caught.value.message


@dataclass(frozen=True)
class Record:
    shares: tuple[float, ...]
    figures: dict[str, float]
    depth: float | None


def test_records_come_back_from_json() -> None:
    values = {"shares": [1, 0.5], "figures": {"a": 1, "b": 0.5}, "depth": None}
    assert make_part(Record, values) == Record((1.0, 0.5), {"a": 1.0, "b": 0.5}, None)
    assert make_part(Record, {**values, "depth": 2}).depth == 2.0
    for name, wrong in (("shares", ["a"]), ("figures", {"a": "b"}), ("depth", "a")):
        with pytest.raises(UsageError, match=name):
            make_part(Record, {**values, name: wrong})


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    with pytest.raises(InputNotFound, match="cannot read"):
        read_toml(path)
    for data in (b"a = [", b"\xff", b"a = " + b"[" * 100_000):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=r"`a\.toml` is no TOML"):
            read_toml(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="is larger than"):
        read_toml(path)


VALUES = st.recursive(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=5), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["name", "share", "count", "is_on", "length", "layers", "other"])


@given(st.dictionaries(NAMES, VALUES) | VALUES)
def test_any_table_is_taken_or_refused(values: Any) -> None:
    try:
        made = make_part(Settings, values)
    except InfiniError:
        return
    assert isinstance(made.name, str)
    assert isinstance(made.share, float)
    assert type(made.count) is int
    assert len(made.length) == 2
