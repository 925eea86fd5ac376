"""Rich Text: headings, characters, notes, and what would make the library search without end."""

from __future__ import annotations

import pytest

from infini_cli.errors import DamagedInput, InputTooLarge
from infini_cli.reading import read_book, rtf
from infini_cli.reading.book import BlockKind
from tests.reading.build_documents import RAIN, story_rtf


def words(source: str) -> str:
    return " ".join(read_book(source.encode("latin-1"), name="a.rtf").text.split())


def test_a_small_story_by_outline_levels() -> None:
    book = read_book(story_rtf(RAIN))
    assert (book.title, book.authors, book.format) == ("Rain", ("Ann Author",), "rtf")
    assert [chapter.title for chapter in book.kept_chapters] == [
        "Chapter 1: Drizzle",
        "Chapter 2: Flood",
    ]


def test_characters_beyond_ascii() -> None:
    assert words(r"{\rtf1\ansi\ansicpg1252 caf\'e9 \u8217? \emdash }") == "caf\u00e9 \u2019 \u2014"
    assert (
        words(r"{\rtf1\ansi\ansicpg1251 \'c4\'ee\'e6\'e4\'fc}") == "\u0414\u043e\u0436\u0434\u044c"
    )
    assert words(r"{\rtf1 \u-10179?\u-8704?}") == "\U0001f600"
    assert words(r"{\rtf1 \u-10179? alone}") == "\ufffd alone"
    fonts = r"{\fonttbl{\f0\fcharset78 Osaka;}}"
    assert words(rf"{{\rtf1\ansi{fonts}\f0 caf\'e9}}") == "caf\u00e9"


def test_lines_within_a_paragraph_are_verse() -> None:
    source = r"{\rtf1 \pard\outlinelevel0 Rain\par\pard red\line blue\par\pard a\\line b\par}"
    blocks = read_book(source.encode()).chapters[0].blocks
    assert [(block.kind, block.text) for block in blocks] == [
        (BlockKind.HEADING, "Rain"),
        (BlockKind.VERSE, "red\nblue"),
        (BlockKind.PARAGRAPH, "a\\line b"),
    ]


def test_notes_pictures_and_links_are_left_out() -> None:
    picture = r"{\pict\pngblip " + "89504e47" * 1000 + "}"
    link = r'{\field{\*\fldinst{HYPERLINK "http://example.org/"}}{\fldrslt here}}'
    source = rf"{{\rtf1 It rained.{{\footnote A note.}}{picture} Look {link}.}}"
    book = read_book(source.encode())
    assert book.text == "It rained. Look here."
    assert [(removal.what, removal.count) for removal in book.removals] == [("note", 1)]


def test_damaged_files() -> None:
    for source in (r"{\rtf1 \u1114112?}", r"{\rtf1{\fonttbl{\f0 A;}"):
        with pytest.raises(DamagedInput):
            words(source)


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_CHARACTERS", 10)
    with pytest.raises(InputTooLarge):
        words(r"{\rtf1 It rained.}")


def test_fonts_and_links_without_end_are_cut_short() -> None:
    fonts = r"{\fonttbl " + r"\f1\fcharset2" * 8000 + "}"
    links = r"{\field{\*\fldinst{HYPERLINK" * 20_000
    assert words(rf"{{\rtf1{fonts}It rained.{links}") == "It rained."
