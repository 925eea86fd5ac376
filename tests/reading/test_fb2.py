"""FictionBooks: nested sections, notes, encodings, archives, and what is broken."""

from __future__ import annotations

import pytest

from infini_cli.errors import DamagedInput, InputTooLarge
from infini_cli.reading import ReadOptions, read_book
from infini_cli.reading.book import BlockKind
from infini_cli.reading.sniff import Format
from tests.reading.build import make_zip
from tests.reading.build_documents import RAIN, story_fb2


def fiction(body: str, *, encoding: str = "utf-8", start: str = "") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>{start}<FictionBook xmlns="http://www.gribuser.'
        'ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink"><description/>'
        f"{body}</FictionBook>"
    )
    return text.encode(encoding)


def test_a_small_story() -> None:
    book = read_book(story_fb2(RAIN))
    assert (book.title, book.authors, book.language) == ("Rain", ("Ann Author",), "en")
    assert len(book.kept_chapters) == 2


def test_parts_verse_quotes_and_notes() -> None:
    chapter = "<section><title><p>Chapter {}</p><p>The Rain</p></title>{}</section>"
    poem = "<poem><stanza><v>red</v><v>blue</v></stanza><text-author>A. B.</text-author></poem>"
    noted = '<p>It rained<a l:href="#n1" type="note">[1]</a>.</p>'
    body = (
        "<body><section><title><p>Part One</p></title>"
        + chapter.format(1, noted + poem)
        + chapter.format(2, "<cite><p>Said.</p></cite><subtitle>* * *</subtitle><p>End.</p>")
        + "</section><section><title><p>Part Two</p></title>"
        + chapter.format(3, "<p>Dry.</p>")
        + '</section></body><body name="notes"><section id="n1"><p>A note.</p></section></body>'
        + "<binary>AAAA</binary>"
    )
    book = read_book(fiction(body))
    assert [chapter.title for chapter in book.chapters] == [
        "Part One",
        "Chapter 1 The Rain",
        "Chapter 2 The Rain",
        "Part Two",
        "Chapter 3 The Rain",
    ]
    assert [(block.kind, block.text) for block in book.chapters[1].blocks[1:]] == [
        (BlockKind.PARAGRAPH, "It rained."),
        (BlockKind.VERSE, "red\nblue"),
        (BlockKind.PARAGRAPH, "A. B."),
    ]
    assert book.chapters[2].blocks[1].kind is BlockKind.QUOTE
    assert {removal.what: removal.count for removal in book.removals} == {"note": 1, "note mark": 1}


def test_encodings() -> None:
    body = "<body><section><p>\u0414\u043e\u0436\u0434\u044c.</p></section></body>"
    assert read_book(fiction(body, encoding="cp1251")).text == "\u0414\u043e\u0436\u0434\u044c."
    assert read_book(fiction(body, encoding="utf-16")).text == "\u0414\u043e\u0436\u0434\u044c."
    wrong = fiction(body, encoding="cp1251").replace(b"cp1251", b"cp1252")
    book = read_book(wrong, options=ReadOptions(encoding="cp1251"))
    assert book.text == "\u0414\u043e\u0436\u0434\u044c."


def test_in_a_zip_archive() -> None:
    assert read_book(make_zip({"rain.fb2": story_fb2(RAIN)})).title == "Rain"


def test_a_book_that_is_cut_off_is_read_with_a_warning() -> None:
    data = story_fb2(RAIN)
    book = read_book(data[: data.index(b"poured")])
    assert "It rained." in book.text
    assert any("broken" in warning for warning in book.warnings)


def test_entities_are_not_resolved() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    start = f'<!DOCTYPE F [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY e0 "boom">{bomb}]>'
    book = read_book(
        fiction("<body><section><p>It &e9; rained &x;.</p></section></body>", start=start),
        kind=Format.FB2,
    )
    assert book.text == "It"
    assert "broken in line 1" in book.warnings[0]


def test_what_nests_without_end_is_refused() -> None:
    with pytest.raises(InputTooLarge, match="nested"):
        read_book(fiction("<body>" + "<section>" * 3000 + "<p>deep</p>"))


def test_a_damaged_book() -> None:
    with pytest.raises(DamagedInput, match="no text"):
        read_book(b"<FictionBook><description/></FictionBook>")


def test_bodies_in_bodies_are_read_once() -> None:
    body = "<body><p>It rained.</p>" * 300
    assert read_book(fiction(body)).num_words == 600


def test_bodies_in_a_broken_description_are_found() -> None:
    data = story_fb2(RAIN).replace(b"</description>", b"</descripti>")
    assert "It rained." in read_book(data).text
