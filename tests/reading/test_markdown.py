from __future__ import annotations

from infini_cli.reading.book import BlockKind
from infini_cli.reading.markdown import read_markdown
from infini_cli.reading.raw import ReadOptions

BOOK = """---
title: "The Weir"
author: [A. Writer, "B. Other"]
language: en
---
# The Weir

A *soft* **word**, a [link](http://x.y), `code` and ![a picture](a.png)<b>bold</b>.

## Chapter 1

> Quoted
> twice.

- one
- two

* * *

Grey goose,\\
grey gander.

| a | b |
|---|---|
| 1 | 2 |

## Chapter 2

Text with \\*stars\\* &amp; sign.
"""


def test_front_matter_chapters_and_plain_text() -> None:
    book = read_markdown(BOOK.encode(), "a.md", ReadOptions())
    assert (book.title, book.authors, book.language) == (
        "The Weir",
        ("A. Writer", "B. Other"),
        "en",
    )
    assert [chapter.title for chapter in book.chapters] == ["The Weir", "Chapter 1", "Chapter 2"]
    assert book.chapters[0].blocks[1].text == "A soft word, a link, code and bold."
    assert [(block.kind, block.text) for block in book.chapters[1].blocks[1:]] == [
        (BlockKind.QUOTE, "Quoted twice."),
        (BlockKind.LIST_ITEM, "one"),
        (BlockKind.LIST_ITEM, "two"),
        (BlockKind.SEPARATOR, "* * *"),
        (BlockKind.VERSE, "Grey goose,\ngrey gander."),
        (BlockKind.TABLE_ROW, "a | b"),
        (BlockKind.TABLE_ROW, "1 | 2"),
    ]
    assert book.chapters[2].blocks[1].text == "Text with *stars* & sign."


def test_parts_and_chapters_nest() -> None:
    text = "# Part One\n\n## The Fox\n\na\n\n# Part Two\n\n## The Hen\n\nb\n"
    book = read_markdown(text.encode(), "a.md", ReadOptions())
    assert [(chapter.title, chapter.depth) for chapter in book.chapters] == [
        ("Part One", 0),
        ("The Fox", 1),
        ("Part Two", 0),
        ("The Hen", 1),
    ]


def test_a_text_without_headings_is_one_chapter_named_after_the_file() -> None:
    book = read_markdown(b"Just a text.\n", "note.md", ReadOptions())
    assert [chapter.title for chapter in book.chapters] == ["note"]
