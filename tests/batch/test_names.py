from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.batch.names import name_outputs


def names(books: list[str], folder: Path, known: dict[str, str] | None = None) -> list[str]:
    return list(name_outputs([Path(book) for book in books], folder, ".md", known or {}).values())


def test_names_come_from_the_files(tmp_path: Path) -> None:
    assert names(["/a/one.epub", "/a/two.pdf"], tmp_path) == ["one.md", "two.md"]


def test_format_then_folder_then_hash_tell_books_apart(tmp_path: Path) -> None:
    books = ["/a/one.epub", "/a/one.pdf", "/b/one.pdf", "/c/b/one.pdf"]
    found = names(books, tmp_path)
    assert found[:3] == ["one.md", "one-pdf.md", "b-one.md"]
    assert found[3].startswith("one-")
    assert len(set(found)) == 4


def test_upper_and_lower_case_are_the_same_name(tmp_path: Path) -> None:
    assert names(["/a/One.epub", "/b/one.epub"], tmp_path) == ["One.md", "one-epub.md"]


def test_a_name_is_kept(tmp_path: Path) -> None:
    known = {"/b/one.epub": "one-epub.md"}
    assert names(["/b/one.epub"], tmp_path, known) == ["one-epub.md"]


def test_a_new_book_does_not_take_a_kept_name(tmp_path: Path) -> None:
    assert names(["/a/one.epub"], tmp_path, {"/b/one.epub": "one.md"}) == ["one-epub.md"]


def test_a_ledger_cannot_name_another_folder(tmp_path: Path) -> None:
    assert names(["/a/one.epub"], tmp_path, {"/a/one.epub": "../../one.md"}) == ["one.md"]


def test_files_that_no_batch_wrote_stay(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("mine")
    assert names(["/a/one.epub"], tmp_path) == ["one-epub.md"]


PATHS = st.lists(
    st.text(st.characters(exclude_characters="\x00"), min_size=1, max_size=30).map(
        lambda name: f"/books/{name}"
    ),
    unique=True,
    max_size=8,
)


@settings(max_examples=50)
@given(PATHS)
def test_names_are_safe_and_never_the_same(books: list[str]) -> None:
    paths = list(dict.fromkeys(Path(book) for book in books))
    found = list(name_outputs(paths, Path("/nowhere"), ".md", {}).values())
    assert len({name.casefold() for name in found}) == len(paths)
    for name in found:
        assert Path(name).name == name
        assert not name.startswith((".", "-"))
        name.encode("utf-8")
    assert found == list(name_outputs(paths, Path("/nowhere"), ".md", {}).values())
