from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli.batch.files import collect_books, read_list
from infini_cli.errors import UsageError


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name in ("b.epub", "A.txt", "c/d.pdf", "c/notes.xlsx", ".hidden/e.txt", ".f.txt", "z.md"):
        path = tmp_path / "shelf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "shelf"


def relative(books: tuple[Path, ...], shelf: Path) -> list[str]:
    return [path.relative_to(shelf).as_posix() for path in books]


def test_a_folder_is_walked_in_order(shelf: Path) -> None:
    assert relative(collect_books([shelf]), shelf) == ["A.txt", "b.epub", "z.md", "c/d.pdf"]


def test_files_come_in_the_order_given_whatever_their_name(shelf: Path) -> None:
    books = collect_books([shelf / "z.md", shelf / "c" / "notes.xlsx", shelf / "A.txt"])
    assert relative(books, shelf) == ["z.md", "c/notes.xlsx", "A.txt"]


def test_patterns(shelf: Path) -> None:
    assert relative(collect_books([shelf / "**" / "*.pdf"]), shelf) == ["c/d.pdf"]
    assert relative(collect_books([shelf / "[Ab].*"]), shelf) == ["A.txt", "b.epub"]


def test_no_book_twice(shelf: Path) -> None:
    books = collect_books([shelf / "b.epub", shelf / "c" / ".." / "b.epub", shelf])
    assert len(books) == 4
    assert relative(books[:1], shelf) == ["b.epub"]


def test_the_outputs_are_no_inputs(shelf: Path) -> None:
    (shelf / "out").mkdir()
    (shelf / "out" / "A.md").write_text("a summary")
    assert len(collect_books([shelf], without=shelf / "out")) == 4


def test_a_file_with_a_pattern_for_a_name(shelf: Path) -> None:
    (shelf / "[x].txt").write_text("x")
    assert relative(collect_books([shelf / "[x].txt"]), shelf) == ["[x].txt"]


def test_a_missing_file_is_left_to_fail_later(shelf: Path) -> None:
    assert relative(collect_books([shelf / "missing.epub"]), shelf) == ["missing.epub"]


def test_limit(shelf: Path) -> None:
    assert len(collect_books([shelf], limit=2)) == 2


def test_nothing_found(shelf: Path) -> None:
    (shelf / "empty").mkdir()
    for arguments, message in (
        ([shelf / "empty"], "folder"),
        ([shelf / "*.mobi"], "pattern"),
        ([], "no books given"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            collect_books(arguments)
        assert caught.value.hint


def test_links_to_folders_are_not_followed(shelf: Path) -> None:
    (shelf / "loop").symlink_to(shelf)
    assert len(collect_books([shelf])) == 4


def test_lists() -> None:
    assert read_list("a.txt\r\nb c.txt\n\n") == (Path("a.txt"), Path("b c.txt"))
    assert read_list("a\nb.txt\0c.txt\0") == (Path("a\nb.txt"), Path("c.txt"))
