"""How chapters are numbered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.reading.assemble import assemble
from infini_cli.reading.book import BlockKind, Book, Matter
from infini_cli.reading.headings import roman_to_int
from infini_cli.reading.labels import block_id, int_to_roman, is_number, label_chapters
from infini_cli.reading.matter import Place
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter
from infini_cli.reading.selection import select_chapters

PLACES = st.builds(
    Place, matter=st.sampled_from(Matter), skip_reason=st.sampled_from([None, "notes"])
)


def make_book(*chapters: tuple[str, str]) -> Book:
    raw = tuple(
        RawChapter(
            title,
            "toc",
            (RawBlock(BlockKind.PARAGRAPH, "It rained."), RawBlock(BlockKind.PARAGRAPH, "Again.")),
            roles=frozenset(roles.split()),
        )
        for title, roles in chapters
    )
    return assemble(RawBook("Rain", (), None, "epub", raw), source_sha256="0")


PRINTED = make_book(
    ("Title Page", "titlepage"),
    ("Preface", "preface"),
    ("Chapter 1", ""),
    ("Introduction to Part Two", ""),
    ("Rain", "halftitlepage"),
    ("Chapter 2", ""),
    ("Afterword", ""),
    ("Endnotes", "endnotes"),
)


def test_the_body_has_numbers_and_all_else_has_numerals() -> None:
    assert [(chapter.label, chapter.title) for chapter in PRINTED.chapters] == [
        ("i", "Title Page"),
        ("ii", "Preface"),
        ("1", "Chapter 1"),
        ("2", "Introduction to Part Two"),
        ("iii", "Rain"),
        ("3", "Chapter 2"),
        ("iv", "Afterword"),
        ("v", "Endnotes"),
    ]
    ids = [[block.id for block in chapter.blocks] for chapter in PRINTED.chapters]
    assert ids[1:3] == [["cii.b0001", "cii.b0002"], ["c01.b0001", "c01.b0002"]]


def test_a_book_of_prefaces_alone_has_numbers() -> None:
    book = make_book(("Title Page", "titlepage"), ("Preface", "preface"), ("Appendix", ""))
    assert [chapter.label for chapter in book.chapters] == ["i", "1", "2"]


@pytest.mark.parametrize(
    "options", [{"keep_all": True}, {"chapters": "i,3"}, {"upto": 2}, {"upto": 3, "keep_all": True}]
)
def test_what_is_read_changes_no_label(options: dict[str, object]) -> None:
    chosen = select_chapters(PRINTED, **options)  # type: ignore[arg-type]
    assert [c.label for c in chosen.chapters] == [c.label for c in PRINTED.chapters]


@given(st.lists(PLACES, max_size=60))
def test_labels_are_unique_and_both_sequences_count(places: list[Place]) -> None:
    labels = list(label_chapters(places))
    assert len(set(labels)) == len(labels) == len(places)
    numbers = [int(label) for label in labels if is_number(label)]
    numerals = [roman_to_int(label) for label in labels if not is_number(label)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numerals == list(range(1, len(numerals) + 1))
    for label, place in zip(labels, places, strict=True):
        assert is_number(label) == (place == Place(Matter.BODY))
    ids = {block_id(label, position) for label in labels for position in (1, 9999)}
    assert len(ids) == 2 * len(labels)


@given(st.integers(1, 3999))
def test_numerals_are_read_as_what_was_written(number: int) -> None:
    assert roman_to_int(int_to_roman(number)) == number


def test_numerals() -> None:
    written = [int_to_roman(number) for number in (1, 4, 9, 14, 40, 90, 444, 1999, 5001)]
    assert written == ["i", "iv", "ix", "xiv", "xl", "xc", "cdxliv", "mcmxcix", "(v)i"]


@given(st.integers(4000, 10**9), st.integers(4000, 10**9))
def test_large_numerals_stay_short_and_differ(one: int, other: int) -> None:
    assert len(int_to_roman(one)) < 50
    assert (int_to_roman(one) == int_to_roman(other)) is (one == other)
    thousands, _, rest = int_to_roman(one).rpartition(")")
    assert thousands == f"({int_to_roman(one // 1000)}"
    assert (roman_to_int(rest) or 0) == one % 1000


@pytest.mark.parametrize(
    ("label", "position", "expected"),
    [
        ("3", 127, "c03.b0127"),
        ("112", 1, "c112.b0001"),
        ("iii", 4, "ciii.b0004"),
        ("c", 4, "cc.b0004"),
    ],
)
def test_blocks_are_named_after_their_chapter(label: str, position: int, expected: str) -> None:
    assert block_id(label, position) == expected
