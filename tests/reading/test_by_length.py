"""Books without chapter headings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infini_cli.reading import read_book
from infini_cli.reading.book import BlockKind
from infini_cli.reading.by_length import MIN_WORDS, PATIENCE_WORDS, SECTION_WORDS, cut_by_length
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter

PARAGRAPH = "Rain fell on the weir and on the house beside it all day long. " * 8
NUM_WORDS = len(PARAGRAPH.split())


def book_of(*sizes: int, separators: frozenset[int] = frozenset()) -> RawBook:
    """Make a book of chapters with so many paragraphs each."""
    chapters = []
    for size in sizes:
        blocks = []
        for number in range(size):
            if number in separators:
                blocks.append(RawBlock(BlockKind.SEPARATOR, "* * *"))
            blocks.append(RawBlock(BlockKind.PARAGRAPH, PARAGRAPH))
        chapters.append(RawChapter("Rain", "file", tuple(blocks)))
    return RawBook("Rain", (), None, "text", tuple(chapters))


LONG = 2 * MIN_WORDS // NUM_WORDS


def test_a_long_text_without_headings_is_cut_and_it_is_said() -> None:
    book = read_book("\n\n".join([PARAGRAPH] * LONG).encode(), name="rain.txt")
    assert [chapter.title for chapter in book.chapters[:2]] == ["Section 1", "Section 2"]
    assert {chapter.title_source for chapter in book.chapters} == {"position"}
    (warning,) = book.warnings
    assert warning.endswith(f"it was cut into {len(book.chapters)} sections by length")
    sizes = [chapter.num_words for chapter in book.chapters[:-1]]
    most = SECTION_WORDS + PATIENCE_WORDS
    assert all(most <= size < most + NUM_WORDS for size in sizes)


def test_a_story_has_no_chapters_and_needs_none() -> None:
    story = book_of(MIN_WORDS // NUM_WORDS - 1)
    assert cut_by_length(story) is story


def test_a_long_chapter_among_others_is_the_author_s() -> None:
    book = book_of(LONG, LONG // 4)
    assert cut_by_length(book) is book


def test_a_title_page_is_no_chapter() -> None:
    titles = [chapter.title for chapter in cut_by_length(book_of(1, LONG)).chapters]
    assert titles[:3] == ["Rain", "Section 1", "Section 2"]


def test_the_author_s_breaks_come_first() -> None:
    at = SECTION_WORDS // NUM_WORDS + 2
    first = cut_by_length(book_of(LONG, separators=frozenset({3, at}))).chapters[0]
    assert first.blocks[-1].kind is BlockKind.SEPARATOR
    assert len(first.blocks) == at + 2


@given(st.integers(1, 400), st.sets(st.integers(0, 400)), st.integers(0, 60))
def test_nothing_is_lost_and_a_text_can_grow(size: int, breaks: set[int], more: int) -> None:
    book, longer = (
        cut_by_length(book_of(number, separators=frozenset(breaks)))
        for number in (size, size + more)
    )
    whole = book_of(size, separators=frozenset(breaks)).chapters[0].blocks
    assert tuple(block for chapter in book.chapters for block in chapter.blocks) == whole
    assert all(chapter.blocks for chapter in book.chapters)
    if len(book.chapters) > 1:
        assert longer.chapters[: len(book.chapters) - 1] == book.chapters[:-1]
