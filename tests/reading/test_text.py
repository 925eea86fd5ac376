from __future__ import annotations

from infini_cli.reading.raw import ReadOptions
from infini_cli.reading.text import read_text

BODY = "The rain fell on the roofs and the town slept under it, as it had for years. " * 4


def test_a_text_without_headings_is_one_chapter() -> None:
    book = read_text(BODY.encode(), "rain.txt", ReadOptions())
    assert [(chapter.title, chapter.title_source) for chapter in book.chapters] == [
        ("rain", "file")
    ]
    assert (book.encoding, book.format) == ("utf-8", "text")


def test_title_page_names_title_and_author_and_comes_first() -> None:
    parts = ["The Weir", "by A. Writer", "CHAPTER I", BODY, "CHAPTER II", BODY]
    text = "\r\n\r\n".join(parts)
    book = read_text(text.encode(), "a.txt", ReadOptions())
    assert (book.title, book.authors) == ("The Weir", ("A. Writer",))
    assert [chapter.title for chapter in book.chapters] == ["The Weir", "CHAPTER I", "CHAPTER II"]


def test_encoding_can_be_forced() -> None:
    book = read_text("\u0416\u0443\u043a".encode("koi8-r"), "a.txt", ReadOptions(encoding="koi8-r"))
    assert book.chapters[0].blocks[0].text == "\u0416\u0443\u043a"
