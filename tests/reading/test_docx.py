"""Word documents: styles as headings, notes, and archives that mean harm."""

from __future__ import annotations

import io
import zipfile

import pytest

from infini_cli.errors import DamagedInput, EncryptedInput, InputTooLarge
from infini_cli.reading import ReadOptions, docx, read_book
from infini_cli.reading.book import BlockKind
from infini_cli.reading.docx import read_docx
from tests.reading.build import make_zip
from tests.reading.build_documents import RAIN, WORD, make_docx, story_docx, word_paragraph

FOOTNOTES = (
    f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="2"><w:p><w:r><w:t>A note of five words.'
    "</w:t></w:r></w:p></w:footnote></w:footnotes>"
)
DOCUMENT_RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r9" TargetMode="External" Target="file:///etc/passwd" Type="http://schemas.'
    'openxmlformats.org/officeDocument/2006/relationships/image"/></Relationships>'
)


def titles(data: bytes) -> list[str]:
    return [chapter.title for chapter in read_book(data).chapters]


def test_a_small_story() -> None:
    book = read_book(story_docx(RAIN))
    assert (book.title, book.authors, book.format) == ("Rain", ("Ann Author",), "docx")
    assert [chapter.title for chapter in book.chapters] == [
        "Rain",
        "Chapter 1: Drizzle",
        "Chapter 2: Flood",
    ]
    assert book.chapters[1].blocks[1].text == "It rained."


def test_a_style_made_from_a_heading_is_one() -> None:
    body = "".join(word_paragraph(text, "Mine") + word_paragraph("Text.") for text in ("A", "B"))
    assert titles(make_docx(body)) == ["A", "B"]


def test_chapters_without_styles_are_known_by_their_words() -> None:
    body = "".join(map(word_paragraph, ("Chapter 1", "It rained.", "Chapter 2", "It poured.")))
    assert titles(make_docx(body)) == ["Chapter 1", "Chapter 2"]


def test_notes_are_left_out_and_counted() -> None:
    body = word_paragraph("It rained.").replace(
        "</w:p>", '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    )
    book = read_book(make_docx(body, parts={"word/footnotes.xml": FOOTNOTES}))
    assert book.text == "It rained."
    assert {removal.what: removal.count for removal in book.removals} == {"note": 1, "note mark": 1}


def test_tables_and_breaks() -> None:
    cell = "<w:tc>" + word_paragraph("{}") + "</w:tc>"
    table = "<w:tbl><w:tr>" + cell.format("one") + cell.format("two") + "</w:tr></w:tbl>"
    verse = word_paragraph("red").replace("</w:r>", "<w:br/><w:t>blue</w:t></w:r>")
    blocks = read_book(make_docx(table + verse)).chapters[0].blocks
    assert [(block.kind, block.text.split()) for block in blocks] == [
        (BlockKind.TABLE_ROW, ["one", "two"]),
        (BlockKind.VERSE, ["red", "blue"]),
    ]


def test_what_was_deleted_is_no_text() -> None:
    body = word_paragraph("It rained.").replace(
        "</w:p>", "<w:del><w:r><w:delText> Not.</w:delText></w:r></w:del></w:p>"
    )
    assert read_book(make_docx(body)).text == "It rained."


def test_hidden_text_is_left_out() -> None:
    runs = "".join(
        f"<w:r><w:rPr>{mark}</w:rPr><w:t>{text}</w:t></w:r>"
        for mark, text in (
            ("<w:i/>", "It "),
            ("<w:vanish/>", "never "),
            ('<w:vanish w:val="0"/>', "rained."),
        )
    )
    assert read_book(make_docx(f"<w:p>{runs}</w:p>")).text == "It rained."


def test_entities_are_not_resolved() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    secret = '<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY e0 "boom">'
    document = (
        f"<!DOCTYPE w:document [{secret}{bomb}]><w:document xmlns:w='{WORD}'><w:body><w:p><w:r>"
        "<w:t>It &e9; rained &x;.</w:t></w:r></w:p></w:body></w:document>"
    )
    book = read_book(make_docx("", parts={"word/document.xml": document}))
    assert book.text == "It"
    assert "broken in line 1" in book.warnings[0]


def test_pictures_are_not_opened() -> None:
    picture = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        'wordprocessingDrawing"><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/'
        'main"><a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/'
        'picture"><pic:blipFill><a:blip r:link="r9"/></pic:blipFill></pic:pic></a:graphicData>'
        "</a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    data = make_docx(
        word_paragraph("It rained.") + picture,
        parts={"word/_rels/document.xml.rels": DOCUMENT_RELATIONSHIPS},
    )
    assert read_book(data).text == "It rained."


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputTooLarge, match="zip bomb"):
        read_book(make_docx("", parts={"word/media/a.png": "\0" * 20_000_000}))
    monkeypatch.setattr(docx, "MAX_ELEMENTS", 10)
    with pytest.raises(InputTooLarge, match="elements"):
        read_book(story_docx(RAIN))


@pytest.mark.parametrize("depth", [1_500, 100_000])
def test_nesting_without_end_is_refused(depth: int) -> None:
    body = "<w:ins>" * depth + word_paragraph("deep") + "</w:ins>" * depth
    with pytest.raises(InputTooLarge, match="nested"):
        read_book(make_docx(body))


def test_a_damaged_document() -> None:
    with pytest.raises(DamagedInput, match="no document"):
        read_docx(make_zip({"word/other.xml": "<a/>"}), "a.docx", ReadOptions())
    with pytest.raises(DamagedInput, match="cannot be"):
        read_book(make_docx("", parts={"word/document.xml": f"<w:x xmlns:w='{WORD}'/>"}))
    with pytest.raises(DamagedInput, match="archive"):
        read_docx(story_docx(RAIN)[:300], "a.docx", ReadOptions())


def test_a_document_with_a_password() -> None:
    office = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(EncryptedInput, match="password"):
        read_book(office)


def test_an_archive_with_a_password() -> None:
    data = bytearray(story_docx(RAIN))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        number = len(archive.namelist())
    at = 0
    for _ in range(number):
        at = data.index(b"PK\x01\x02", at) + 8
        data[at] |= 1
    with pytest.raises(EncryptedInput):
        read_docx(bytes(data), "a.docx", ReadOptions())
