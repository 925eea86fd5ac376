"""A folder of HTML files is one book."""

from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli.errors import InputNotFound, InputTooLarge, NoTextInput
from infini_cli.reading import read_book
from infini_cli.reading.limits import Limits
from infini_cli.reading.raw import ReadOptions


def write(folder: Path, **pages: str) -> None:
    for name, text in pages.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<html><body>{text}</body></html>", encoding="utf-8")


def page(title: str) -> str:
    return f"<h1>{title}</h1><p>It rained.</p>"


def titles(folder: Path) -> list[str]:
    return [chapter.title for chapter in read_book(folder).chapters]


def test_numbers_are_in_the_order_of_their_values(tmp_path: Path) -> None:
    write(tmp_path, chapter10=page("Ten"), chapter2=page("Two"), chapter1=page("One"))
    assert titles(tmp_path) == ["One", "Two", "Ten"]


def test_the_contents_page_gives_order_and_titles(tmp_path: Path) -> None:
    index = (
        '<a href="text/b.html">First</a> <a href="a.html#x">Second</a> <a href="a.html#y">Third</a>'
        '<a href="http://[broken">x</a> <a href="https://example.org/a.html">away</a>'
        '<a href="../outside.html">out</a>'
    )
    two = '<h2 id="x">One</h2><p>It rained.</p><h2 id="y">Two</h2><p>It poured.</p>'
    write(tmp_path / "book", index=index, a=two, text__b=page("B"), z=page("Left over"))
    write(tmp_path, outside=page("Outside"))
    book = read_book(tmp_path / "book")
    assert [chapter.title for chapter in book.kept_chapters] == [
        "First",
        "Second",
        "Third",
        "Left over",
    ]
    assert book.chapters[0].skip_reason == "table of contents"
    assert book.chapters[0].source == "index.html"


def test_an_index_that_links_nothing_is_a_page(tmp_path: Path) -> None:
    write(tmp_path, index=page("Index of rain"), a=page("A"))
    assert titles(tmp_path) == ["A", "Index of rain"]


def test_the_same_folder_has_the_same_hash(tmp_path: Path) -> None:
    write(tmp_path / "one", a=page("A"))
    write(tmp_path / "two", a=page("A"))
    write(tmp_path / "three", b=page("A"))
    hashes = [read_book(tmp_path / name).source_sha256 for name in ("one", "two", "three")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_links_to_files_elsewhere_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "book", a=page("A"))
    write(tmp_path, secret=page("Secret"))
    (tmp_path / "book" / "b.html").symlink_to(tmp_path / "secret.html")
    assert titles(tmp_path / "book") == ["A"]


def test_a_folder_without_html(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="folder without HTML"):
        read_book(tmp_path)
    write(tmp_path, a="")
    with pytest.raises(NoTextInput):
        read_book(tmp_path)


@pytest.mark.parametrize(
    "limits",
    [Limits(num_members=1), Limits(unpacked_bytes=80), Limits(member_bytes=10)],
)
def test_size_is_bounded(limits: Limits, tmp_path: Path) -> None:
    write(tmp_path, a=page("A"), b=page("B"))
    with pytest.raises(InputTooLarge):
        read_book(tmp_path, options=ReadOptions(limits=limits))
