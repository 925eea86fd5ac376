"""The example novella is the same book in every format."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infini_cli.reading import Book, read_book
from tests.reading.build_documents import (
    Story,
    story_docx,
    story_fb2,
    story_odt,
    story_rtf,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def novella() -> Story:
    text = (EXAMPLES / "the-brass-tolm.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    fields = dict(re.findall(r'^(\w+): "(.*)"$', front, re.MULTILINE))
    chapters = []
    for part in re.split(r"^# ", body, flags=re.MULTILINE)[1:]:
        title, *paragraphs = [" ".join(block.split()) for block in part.strip().split("\n\n")]
        chapters.append((title, paragraphs))
    return Story(fields["title"], fields["author"], [fields["rights"]], chapters)


@pytest.fixture(scope="module")
def epub() -> Book:
    return read_book(EXAMPLES / "the-brass-tolm.epub")


def without_outline(story: Story) -> bytes:
    return story_rtf(story, outline=False)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (story_docx, "docx"),
        (story_odt, "odt"),
        (story_rtf, "rtf"),
        (without_outline, "rtf"),
        (story_fb2, "fb2"),
    ],
)
def test_chapters_and_words_are_those_of_the_epub(
    make: Callable[[Story], bytes], kind: str, novella: Story, epub: Book
) -> None:
    book = read_book(make(novella), name=f"book.{kind}")
    assert (book.title, book.authors, book.format) == (epub.title, epub.authors, kind)
    assert not book.warnings
    assert [chapter.skip_reason for chapter in book.chapters] == [
        chapter.skip_reason for chapter in epub.chapters
    ]
    assert [chapter.title for chapter in book.chapters] == [
        chapter.title for chapter in epub.chapters
    ]
    for chapter, expected in zip(book.chapters, epub.chapters, strict=True):
        assert chapter.text.split() == expected.text.split(), chapter.title
        assert [block.kind for block in chapter.blocks[1:]] == [
            block.kind for block in expected.blocks[1:]
        ]
