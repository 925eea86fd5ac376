"""OpenDocument texts: headings, notes, spaces, and archives that mean harm."""

from __future__ import annotations

import pytest

from infini_cli.errors import DamagedInput, EncryptedInput, InputTooLarge, UnsupportedFormat
from infini_cli.reading import ReadOptions, read_book
from infini_cli.reading.book import BlockKind
from infini_cli.reading.odt import read_odt
from tests.reading.build import make_zip
from tests.reading.build_documents import RAIN, make_odt, open_heading, open_paragraph, story_odt


def test_a_small_story() -> None:
    book = read_book(story_odt(RAIN))
    assert (book.title, book.authors, book.format) == ("Rain", ("Ann Author",), "odt")
    assert [chapter.title for chapter in book.kept_chapters] == [
        "Chapter 1: Drizzle",
        "Chapter 2: Flood",
    ]


def test_titles_styled_in_passing() -> None:
    styles = '<style:style style:name="P1" style:parent-style-name="Title"/>'
    text = open_paragraph("Rain", "P1") + open_heading("A") + open_heading("B")
    assert read_book(make_odt(text, styles=styles)).title == "Rain"


def test_notes_deleted_text_and_comments_are_left_out() -> None:
    text = (
        "<text:tracked-changes><text:p>Not this.</text:p></text:tracked-changes>"
        '<text:p>It rained.<text:note text:note-class="footnote"><text:note-citation>1'
        "</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note>"
        "<office:annotation><text:p>Nor this.</text:p></office:annotation></text:p>"
    )
    book = read_book(make_odt(text))
    assert book.text == "It rained."
    assert [(removal.what, removal.count) for removal in book.removals] == [("note", 1)]


def test_spaces_lines_lists_and_tables() -> None:
    text = (
        '<text:p>a<text:s text:c="3"/>b<text:tab/>c</text:p>'
        "<text:p>red<text:line-break/>blue</text:p>"
        "<text:list><text:list-item><text:p>point</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>"
        "<table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table>"
    )
    blocks = read_book(make_odt(text)).chapters[0].blocks
    assert [block.kind for block in blocks] == [
        BlockKind.PARAGRAPH,
        BlockKind.VERSE,
        BlockKind.LIST_ITEM,
        BlockKind.TABLE_ROW,
    ]
    assert [block.text.split() for block in blocks] == [
        ["a", "b", "c"],
        ["red", "blue"],
        ["point"],
        ["x", "y"],
    ]


def test_chapters_without_styles_are_known_by_their_words() -> None:
    text = "".join(map(open_paragraph, ("Chapter 1", "It rained.", "Chapter 2", "It poured.")))
    assert len(read_book(make_odt(text)).chapters) == 2


def test_a_document_with_a_password() -> None:
    entry = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    with pytest.raises(EncryptedInput, match="password"):
        read_book(make_odt("", manifest=entry))


def test_other_open_documents_are_refused() -> None:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with pytest.raises(UnsupportedFormat, match="without a text"):
        read_book(make_zip({"mimetype": kind}))


def test_bombs_and_nesting_are_refused() -> None:
    with pytest.raises(InputTooLarge, match="nested"):
        read_book(make_odt("<text:span>" * 3000 + "deep" + "</text:span>" * 3000))
    members = {"mimetype": "application/vnd.oasis.opendocument.text", "a": "\0" * 20_000_000}
    with pytest.raises(InputTooLarge, match="zip bomb"):
        read_book(make_zip(members))


def test_a_damaged_document() -> None:
    kind = "application/vnd.oasis.opendocument.text"
    for members in ({"mimetype": kind}, {"mimetype": kind, "content.xml": "<a/>"}):
        with pytest.raises(DamagedInput, match="holds no text"):
            read_book(make_zip(members))
    with pytest.raises(DamagedInput, match="archive"):
        read_odt(story_odt(RAIN)[:300], "a.odt", ReadOptions())
