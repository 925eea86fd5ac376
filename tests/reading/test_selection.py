"""Which chapters are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import UsageError
from infini_cli.reading.assemble import assemble
from infini_cli.reading.book import BlockKind, Book
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter
from infini_cli.reading.selection import parse_chapters, select_chapters


def make_book(*titles: str) -> Book:
    chapters = tuple(
        RawChapter(title, "toc", (RawBlock(BlockKind.PARAGRAPH, "It rained."),)) for title in titles
    )
    return assemble(RawBook("Rain", (), None, "epub", chapters), source_sha256="0")


BOOK = make_book("Contents", "One", "Two", "Three", "Index")


def kept(book: Book) -> list[str]:
    return [chapter.label for chapter in book.kept_chapters]


LABELS = ("i", "ii", "1", "2", "iii", "3", "4", "5", "iv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", {"3"}),
        ("3-5", {"3", "4", "5"}),
        ("3-3", {"3"}),
        ("1,3", {"1", "3"}),
        (" 1 , 3-4 ", {"1", "3", "4"}),
        ("4-", {"4", "5"}),
        ("-2", {"1", "2"}),
        ("2-4,3-5", {"2", "3", "4", "5"}),
        ("01", {"1"}),
        ("ii", {"ii"}),
        ("IV, 3-", {"iv", "3", "4", "5"}),
        ("2-3", {"2", "3"}),
    ],
)
def test_lists(text: str, expected: set[str]) -> None:
    assert parse_chapters(text, LABELS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1,",
        "x",
        "v",
        "iiii",
        "i-iii",
        "i-",
        "-ii",
        "1-ii",
        "y",
        "3-1",
        "0",
        "6",
        "3-6",
        "6-",
        "-6",
        "-0",
        "-",
        "1--2",
        "1-2-3",
        "1.5",
        "+1",
        "\u0663",
        "\u2170",
        "9" * 30,
        "1;2",
        "0-2",
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_chapters(text, LABELS)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (LABELS, "the book has chapters 1 to 5, and i to iv outside the body"),
        (("i", "1", "2"), "the book has chapters 1 to 2, and i outside the body"),
        (("1", "2", "3"), "the book has chapters 1 to 3"),
    ],
)
def test_the_hint_says_what_there_is(labels: tuple[str, ...], hint: str) -> None:
    with pytest.raises(UsageError, match="does not have") as caught:
        parse_chapters("7", labels)
    assert caught.value.hint == hint


@given(st.sets(st.integers(1, 40), min_size=1))
def test_written_and_parsed_again(numbers: set[int]) -> None:
    ordered = sorted(numbers)
    parts: list[str] = []
    begin = ordered[0]
    for number, following in zip(ordered, [*ordered[1:], -1], strict=True):
        if following != number + 1:
            parts.append(str(begin) if begin == number else f"{begin}-{number}")
            begin = following
    labels = [str(number) for number in range(1, 41)]
    assert parse_chapters(",".join(parts), labels) == {str(number) for number in numbers}


def test_by_default_the_text_is_kept() -> None:
    assert kept(select_chapters(BOOK)) == ["1", "2", "3"]


def test_everything() -> None:
    assert kept(select_chapters(BOOK, keep_all=True)) == ["i", "1", "2", "3", "ii"]


def test_chapters_asked_for_are_kept_whatever_they_are() -> None:
    book = select_chapters(BOOK, chapters="i,2")
    assert kept(book) == ["i", "2"]
    assert [chapter.skip_reason for chapter in book.chapters][1::2] == ["not chosen"] * 2


def test_up_to_a_chapter() -> None:
    book = select_chapters(BOOK, upto=2)
    assert kept(book) == ["1", "2"]
    assert book.chapters[4].skip_reason == "after the last chapter asked for"
    assert kept(select_chapters(BOOK, upto=2, keep_all=True)) == ["i", "1", "2"]
    assert kept(select_chapters(BOOK, upto=2, chapters="1-3,ii")) == ["1", "2"]
    assert kept(select_chapters(BOOK, upto=3, keep_all=True)) == ["i", "1", "2", "3"]
    with_preface = make_book("Contents", "Preface", "One", "Two", "Afterword")
    assert kept(select_chapters(with_preface, upto=1)) == ["ii", "1"]


@pytest.mark.parametrize("upto", [0, -1, 4])
def test_up_to_no_chapter(upto: int) -> None:
    with pytest.raises(UsageError, match="no chapter") as caught:
        select_chapters(BOOK, upto=upto)
    assert caught.value.hint == "the book has chapters 1 to 3, and i to ii outside the body"


def test_nothing_left() -> None:
    with pytest.raises(UsageError, match="no chapter is left"):
        select_chapters(BOOK, chapters="ii", upto=3)
    with pytest.raises(UsageError, match="no chapter is left"):
        select_chapters(BOOK, chapters="2-3", upto=1)


@given(st.integers(1, 3), st.booleans())
def test_text_and_offsets_stay(upto: int, keep_all: bool) -> None:
    chosen = select_chapters(BOOK, upto=upto, keep_all=keep_all)
    assert chosen.text == BOOK.text
    for old, new in zip(BOOK.chapters, chosen.chapters, strict=True):
        assert (old.label, old.blocks) == (new.label, new.blocks)
