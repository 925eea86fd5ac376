"""Lines that are appended: whole ones survive what happens to the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.json_lines import append_line, read_lines

OBJECTS = st.dictionaries(st.text(), st.none() | st.integers() | st.text())


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert list(read_lines(path)) == []
    objects = [{"text": "line\nbreak\u2028and \ud800"}, {}, {"n": [1, None]}]
    for values in objects:
        append_line(path, values)
    assert list(read_lines(path)) == objects
    assert len(path.read_bytes().splitlines()) == 3


@settings(deadline=None)
@given(first=OBJECTS, second=OBJECTS, data=st.data())
def test_a_line_cut_anywhere_costs_itself_alone(
    first: dict[str, object],
    second: dict[str, object],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    append_line(path, first)
    whole = path.stat().st_size
    append_line(path, {"long": "x" * 20})
    size = data.draw(st.integers(whole, path.stat().st_size - 2))
    path.write_bytes(path.read_bytes()[:size])
    append_line(path, second)
    assert list(read_lines(path)) == [first, second]


@pytest.mark.parametrize("line", [b"no json", b"\xff\xfe", b"[1]", b"[" * 100_000, b"null"])
def test_lines_of_others_say_nothing(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b"\n" + json.dumps({"a": 1}).encode() + b"\n")
    assert list(read_lines(path)) == [{"a": 1}]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        list(read_lines(tmp_path))
