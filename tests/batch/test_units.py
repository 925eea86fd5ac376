"""Which books are worked on as one unit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.batch import units
from infini_cli.batch.units import MAX_BYTES, divide


def write(folder: Path, sizes: list[int]) -> list[Path]:
    books = [folder / f"{index:03}.txt" for index in range(len(sizes))]
    for path, size in zip(books, sizes, strict=True):
        path.write_bytes(b"x" * size)
    return books


def test_small_books_that_follow_each_other_are_one_unit(tmp_path: Path) -> None:
    a, b, c, d, e, f, g = write(tmp_path, [1, 2, MAX_BYTES + 1, 3, 4, MAX_BYTES, 5])
    assert list(divide([a, b, c, d, e, f, g], 3, 1)) == [(a, b), (c,), (d, e, f), (g,)]


def test_workers_share_small_books(tmp_path: Path) -> None:
    books = write(tmp_path, [1] * 10)
    assert [len(unit) for unit in divide(books, 24, 4)] == [3, 3, 3, 1]
    assert [len(unit) for unit in divide(books, 24, 1)] == [10]
    assert [len(unit) for unit in divide(books, 24, 50)] == [1] * 10
    assert [len(unit) for unit in divide(books, 1, 1)] == [1] * 10


def test_what_is_no_file_is_a_unit_of_its_own(tmp_path: Path) -> None:
    (a,) = write(tmp_path, [1])
    missing = tmp_path / "missing.txt"
    assert list(divide([a, missing, tmp_path], 9, 1)) == [(a,), (missing,), (tmp_path,)]
    assert list(divide([], 9, 2)) == []


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9), st.integers(1, 5))
def test_no_book_is_lost_or_moved(smalls: list[bool], most: int, workers: int) -> None:
    books = [Path(f"{index}-{small}") for index, small in enumerate(smalls)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(units, "_is_small", lambda path: path.name.endswith("True"))
        found = list(divide(books, most, workers))
    assert [path for unit in found for path in unit] == books
    for unit in found:
        assert 1 <= len(unit) <= most
        assert len(unit) == 1 or all(path.name.endswith("True") for path in unit)
