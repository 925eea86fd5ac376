"""What is left out of a book, and what must not be."""

from __future__ import annotations

import pytest

from infini_cli.reading.book import BlockKind, Matter
from infini_cli.reading.matter import apparatus_reason, classify
from infini_cli.reading.raw import RawBlock, RawChapter

FRONT, BODY, BACK = Matter.FRONT, Matter.BODY, Matter.BACK


def part(
    title: str, roles: str = "", *, num_words: int = 100, source: str = "toc", text: str = ""
) -> RawChapter:
    block = RawBlock(BlockKind.PARAGRAPH, text or "word " * num_words)
    return RawChapter(title, source, (block,), roles=frozenset(roles.split()))


def places(*parts: RawChapter) -> list[tuple[Matter, str | None]]:
    found = classify(parts, "Rain", ("Ann Author",))
    return [(place.matter, place.skip_reason) for _, place in found]


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Contents", "table of contents"),
        ("  TABLE OF CONTENTS. ", "table of contents"),
        ("Inhaltsverzeichnis", "table of contents"),
        ("Table des mati\u00e8res", "table of contents"),
        ("Copyright", "copyright page"),
        ("Transcriber\u2019s Note", "transcriber's note"),
        ("THE FULL PROJECT GUTENBERG\u2122 LICENSE", "licence"),
        ("Endnotes", "notes"),
        ("Also by Ann Author", "advertisement"),
        ("Index", "index"),
    ],
)
def test_titles_of_apparatus(title: str, reason: str) -> None:
    assert apparatus_reason((), title) == reason


@pytest.mark.parametrize(
    "title",
    [
        "Chapter 6 . 4 . Success",
        "Notes from Underground",
        "The Index Finger",
        "Cover Me",
        "A Note on the Type of Man He Was",
        "Preface",
        "Dedication",
        "Appendix",
        "The Contents of the Drawer",
        "Illustrious Gaudissart",
        "Copyrighted Lives",
        "Books",
        "",
        "I",
    ],
)
def test_titles_that_are_text(title: str) -> None:
    assert apparatus_reason((), title) is None


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("titlepage", "title page"),
        ("halftitlepage", "half title"),
        ("imprint", "imprint"),
        ("copyright-page", "copyright page"),
        ("toc", "table of contents"),
        ("endnotes", "notes"),
        ("colophon", "colophon"),
        ("chapter", None),
        ("preface", None),
        ("appendix", None),
    ],
)
def test_roles(role: str, reason: str | None) -> None:
    assert apparatus_reason({role}, "Rain") == reason


def test_order_decides_between_front_and_back() -> None:
    assert places(
        part("Copyright"),
        part("Preface"),
        part("One"),
        part("Introduction"),
        part("Two"),
        part("Appendix"),
        part("Copyright"),
    ) == [
        (FRONT, "copyright page"),
        (FRONT, None),
        (BODY, None),
        (BODY, None),
        (BODY, None),
        (BACK, None),
        (BACK, "copyright page"),
    ]


def test_the_file_knows_best() -> None:
    assert places(
        part("A Letter", "frontmatter letter"),
        part("Preface", "bodymatter"),
        part("One", "bodymatter"),
        part("A Glance Back", "backmatter"),
    ) == [(FRONT, None), (BODY, None), (BODY, None), (BACK, None)]


def test_a_long_text_is_not_left_out_for_its_title() -> None:
    long = part("Notes", num_words=5000)
    assert places(part("One", num_words=5000), long)[1] == (BODY, None)
    assert places(part("One", num_words=50_000), long)[1] == (BACK, "notes")
    assert places(part("One", num_words=5000), part("Rain", "endnotes", num_words=5000))[1] == (
        BACK,
        "notes",
    )


def test_a_book_is_never_left_out_whole() -> None:
    assert places(part("Contents"), part("Index", "index")) == [(BODY, None), (BODY, None)]
    assert places(part("Preface")) == [(BODY, None)]


def test_title_pages_without_a_mark() -> None:
    page = part("Rain", source="heading", text="Rain by Ann Author")
    assert places(page, part("One"))[0] == (FRONT, "title page")
    story = part("Rain", source="heading", text="Rain fell on the roof and nobody came at all")
    assert places(story, part("One"))[0] == (BODY, None)
    poem = part("Rain", source="toc", text="Rain by Ann Author")
    assert places(poem, part("One"))[0] == (BODY, None)


def test_nothing() -> None:
    assert places() == []
