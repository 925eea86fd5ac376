"""A book written out again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from infini_cli.reading.assemble import assemble
from infini_cli.reading.book import BlockKind, Book
from infini_cli.reading.export import export
from infini_cli.reading.markdown import read_markdown
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter, ReadOptions
from infini_cli.reading.selection import select_chapters

PARAGRAPH, HEADING = BlockKind.PARAGRAPH, BlockKind.HEADING


def make_book(*chapters: tuple[str, list[RawBlock]]) -> Book:
    raw = tuple(RawChapter(title, "toc", tuple(blocks)) for title, blocks in chapters)
    return assemble(RawBook("Rain", ("Ann Author",), None, "epub", raw), source_sha256="0")


BOOK = make_book(
    ("One", [RawBlock(HEADING, "One", level=3), RawBlock(PARAGRAPH, "It rained.", page="7")]),
    ("Contents", [RawBlock(PARAGRAPH, "One 1")]),
    (
        "Two",
        [
            RawBlock(BlockKind.VERSE, "Rain\nrain"),
            RawBlock(HEADING, "Later", level=4),
            RawBlock(BlockKind.QUOTE, "Go *away*."),
            RawBlock(BlockKind.SEPARATOR, "* * *"),
            RawBlock(BlockKind.LIST_ITEM, "1. one"),
        ],
    ),
)


def written(book: Book, form: str) -> str:
    return "".join(export(book, form))


def test_text() -> None:
    assert written(BOOK, "text") == (
        "One\n\nIt rained.\n\n\nRain\nrain\n\nLater\n\nGo *away*.\n\n* * *\n\n1. one\n"
    )
    assert written(select_chapters(BOOK, keep_all=True), "text") == BOOK.text + "\n"


def test_markdown() -> None:
    assert written(BOOK, "md") == (
        "# Rain\n\nAnn Author\n\n## One\n\nIt rained.\n\n## Two\n\nRain\\\nrain\n\n### Later\n\n"
        "> Go \\*away\\*.\n\n* * *\n\n- 1\\. one\n"
    )


def test_jsonl() -> None:
    lines = [json.loads(line) for line in written(BOOK, "jsonl").splitlines()]
    assert [line["id"] for line in lines[:3]] == ["c01.b0001", "c01.b0002", "c02.b0001"]
    assert lines[1] == {
        "schema": "infini/2",
        "id": "c01.b0002",
        "chapter": "1",
        "chapter_title": "One",
        "kind": "paragraph",
        "level": 0,
        "page": "7",
        "start": 5,
        "end": 15,
        "text": "It rained.",
    }
    for line in lines:
        assert BOOK.text[line["start"] : line["end"]] == line["text"]


@given(st.text(alphabet=' \u2028\u0085\r\x0b\x1cab"\\\u00e9', min_size=1))
def test_jsonl_is_one_line_a_block(text: str) -> None:
    book = make_book(("One", [RawBlock(PARAGRAPH, f"x{text}")]))
    (line,) = written(book, "jsonl").removesuffix("\n").split("\n")
    assert json.loads(line)["text"] == f"x{text}"


@given(
    st.lists(
        st.text(alphabet="ab 1.)#*_-+=`<>[]()&;!|~\\:\"'/\u00e9", min_size=1).filter(str.strip),
        min_size=1,
        max_size=4,
    )
)
def test_text_is_never_taken_for_markup(paragraphs: list[str]) -> None:
    words = [" ".join(text.split()) for text in paragraphs]
    blocks = [RawBlock(PARAGRAPH, text) for text in words]
    markdown = written(make_book(("One", blocks), ("Two", blocks)), "md")
    back = read_markdown(markdown.encode(), "rain.md", ReadOptions())
    found = [
        [block.text for block in chapter.blocks if block.kind is not HEADING]
        for chapter in back.chapters
        if chapter.title in ("One", "Two")
    ]
    assert found == [words, words]
