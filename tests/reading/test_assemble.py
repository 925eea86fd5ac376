"""Labels, identifiers and offsets of a book."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import NoTextInput
from infini_cli.reading.assemble import assemble
from infini_cli.reading.book import BlockKind, Matter
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter

BLOCKS = st.builds(
    RawBlock, kind=st.sampled_from(BlockKind), text=st.text(max_size=20), level=st.integers(0, 6)
)
CHAPTERS = st.builds(
    RawChapter,
    title=st.text(max_size=10),
    title_source=st.just("toc"),
    blocks=st.lists(BLOCKS, max_size=4).map(tuple),
    roles=st.frozensets(st.sampled_from(["toc", "preface", "chapter", "endnotes", "bodymatter"])),
)


def raw_book(*chapters: RawChapter) -> RawBook:
    return RawBook("Rain", ("Ann Author",), "en", "epub", chapters)


def raw_chapter(title: str, *texts: str, roles: frozenset[str] = frozenset()) -> RawChapter:
    blocks = tuple(RawBlock(BlockKind.PARAGRAPH, text) for text in texts)
    return RawChapter(title, "toc", blocks, roles=roles)


@given(st.lists(CHAPTERS, max_size=5))
def test_offsets_point_into_the_text(chapters: list[RawChapter]) -> None:
    texts = [block.text for chapter in chapters for block in chapter.blocks if block.text.strip()]
    if not texts:
        with pytest.raises(NoTextInput):
            assemble(raw_book(*chapters), source_sha256="0")
        return
    book = assemble(raw_book(*chapters), source_sha256="0")
    blocks = [block for chapter in book.chapters for block in chapter.blocks]
    text = book.text
    assert [block.text for block in blocks] == texts
    assert [text[block.start : block.end] for block in blocks] == texts
    assert len({block.id for block in blocks}) == len(blocks)
    numbers = [chapter.label for chapter in book.chapters if chapter.label.isdecimal()]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert numbers, "a book without a body"
    assert len({chapter.label for chapter in book.chapters}) == len(book.chapters)
    assert book.kept_chapters


def test_identifiers_count_what_is_left() -> None:
    book = assemble(
        raw_book(raw_chapter("Empty", " "), raw_chapter("A", "one", "\n", "two")),
        source_sha256="ab",
    )
    assert [block.id for block in book.chapters[0].blocks] == ["c01.b0001", "c01.b0002"]
    assert (book.title, book.authors, book.source_sha256) == ("Rain", ("Ann Author",), "ab")


def test_left_out_chapters_stay_in_the_book() -> None:
    contents = raw_chapter("Contents", "A 1", roles=frozenset({"toc"}))
    book = assemble(raw_book(contents, raw_chapter("A", "one")), source_sha256="0")
    assert [chapter.skip_reason for chapter in book.chapters] == ["table of contents", None]
    assert [chapter.matter for chapter in book.chapters] == [Matter.FRONT, Matter.BODY]
    assert [chapter.label for chapter in book.chapters] == ["i", "1"]
    assert [chapter.blocks[0].id for chapter in book.chapters] == ["ci.b0001", "c01.b0001"]
