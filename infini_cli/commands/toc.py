"""`infini toc`."""

from __future__ import annotations

from infini_cli.commands.documents import to_json
from infini_cli.commands.inputs import open_book
from infini_cli.commands.options import BookPath, Json, ReadingOptions
from infini_cli.commands.verb import verb
from infini_cli.reading.book import Book, Chapter
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

COLUMNS = (
    TableColumn("chapter", is_number=True),
    TableColumn("words", is_number=True),
    TableColumn("read"),
    TableColumn("title"),
)
INDENT = "  "


@verb
def command(
    terminal: Terminal, reading: ReadingOptions, book: BookPath = None, json: Json = False
) -> None:
    """List the chapters of a book, and which of them are read."""
    found = open_book(book, reading, terminal)
    if json:
        terminal.write(to_json({"book": book_facts(found), "chapters": chapter_facts(found)}))
        return
    terminal.write_table(COLUMNS, [_row(chapter) for chapter in found.chapters])


def book_facts(book: Book) -> dict[str, object]:
    """Give what a book says of itself, and what reading it met."""
    return {
        "title": book.title,
        "authors": list(book.authors),
        "language": book.language,
        "format": book.format,
        "encoding": book.encoding,
        "source_sha256": book.source_sha256,
        "num_chapters": len(book.chapters),
        "num_chapters_read": len(book.kept_chapters),
        "num_words": book.num_words,
        "removals": [
            {"what": removal.what, "count": removal.count, "num_words": removal.num_words}
            for removal in book.removals
        ],
        "warnings": list(book.warnings),
        "metadata": book.metadata,
    }


def chapter_facts(book: Book) -> list[dict[str, object]]:
    """Give what is known of every chapter."""
    return [
        {
            "label": chapter.label,
            "title": chapter.title,
            "title_source": chapter.title_source,
            "depth": chapter.depth,
            "matter": chapter.matter.value,
            "read": chapter.kept,
            "skip_reason": chapter.skip_reason,
            "num_words": chapter.num_words,
            "source": chapter.source,
        }
        for chapter in book.chapters
    ]


def _row(chapter: Chapter) -> tuple[str, ...]:
    read = "yes" if chapter.kept else f"no: {chapter.skip_reason}"
    title = INDENT * chapter.depth + chapter.title
    return chapter.label, f"{chapter.num_words:,}", read, title
