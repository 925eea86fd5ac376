"""Read a PDF: chapters from its outline or headings, paragraphs rebuilt from lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from infini_cli.errors import DamagedInput, NoTextInput
from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.headings import is_chapter_heading
from infini_cli.reading.labels import pages_title
from infini_cli.reading.line_joins import Joiner
from infini_cli.reading.pdf_content import PdfContent
from infini_cli.reading.pdf_extract import extract_pdf
from infini_cli.reading.pdf_furniture import remove_furniture
from infini_cli.reading.pdf_layout import Layout, group_lines, measure
from infini_cli.reading.pdf_lines import MAX_UNREADABLE_SHARE, Line, num_unreadable
from infini_cli.reading.pdf_outline import (
    MAX_HEADING_LINES,
    Start,
    heading_starts,
    outline_starts,
)
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter, ReadOptions
from infini_cli.reading.text_layout import is_verse

MAX_SCAN_CHARACTERS = 20
HEADING_WORDS = 25
OCR_HINT = "recognise the text first: `ocrmypdf in.pdf out.pdf`"
_NO_TITLES = {"", "untitled", "document", "title"}
_SOURCE_SUFFIXES = (
    ".doc",
    ".docx",
    ".odt",
    ".rtf",
    ".tex",
    ".dvi",
    ".indd",
    ".pdf",
    ".qxd",
    ".txt",
)


def read_pdf(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read a PDF.

    Args:
        data: the file.
        name: its name, for messages and as a title of last resort.
        options: `password` opens an encrypted file, `pdf_backend` reads it.

    Raises:
        UsageError: the reader asked for is not installed.
        EncryptedInput: a password is needed, or the one given is wrong.
        ProtectedInput: it is locked by a scheme without a password.
        NoTextInput: it is a scan without text, or its fonts hide their characters.
        DamagedInput: it cannot be opened, or none of its pages can be read.
        InputTooLarge: a bound on time, memory or size was hit.
    """
    content = extract_pdf(data, name, options.password, options.limits, backend=options.pdf_backend)
    check_text(content, name)
    furniture = remove_furniture(content.lines, content.labels)
    lines = [line for page in furniture.pages for line in page]
    layout = measure(lines)
    starts = outline_starts(content.outline, lines)
    groups = group_lines(lines, layout, _breaks(starts))
    warnings = [*content.warnings, *furniture.warnings, *_page_warnings(content)]
    if not starts:
        starts = heading_starts(lines, groups, layout)
        groups = group_lines(lines, layout, _breaks(starts))
    title = book_title(content, name)
    joiner = Joiner.learn(line.text for line in lines)
    blocks = _make_blocks(lines, groups, starts, layout, joiner, content.labels)
    chapters = _make_chapters(blocks, groups, starts, lines, content.labels, title)
    removals = list(furniture.removals)
    if joiner.num_hyphens:
        removals.append(Removal("hyphen at a line's end", joiner.num_hyphens, 0))
    authors = content.metadata.get("author", "").split(";")
    return RawBook(
        title=title,
        authors=tuple(author.strip() for author in authors if author.strip()),
        language=content.metadata.get("language"),
        format="pdf",
        chapters=tuple(chapters),
        removals=tuple(removals),
        warnings=tuple(warnings),
    )


def check_text(content: PdfContent, name: str) -> None:
    """Refuse a PDF without usable text.

    Raises:
        NoTextInput: a scan, or characters that cannot be told.
        DamagedInput: no page can be read.
    """
    if len(content.failed_pages) == content.num_pages:
        reason = next(iter(content.failed_pages.values()))
        raise DamagedInput(
            f"no page of `{name}` can be read: {reason}",
            hint="repair it first, for example with `qpdf broken.pdf repaired.pdf`",
        )
    sizes = [sum(len(line.text) for line in page) for page in content.lines]
    if not any(sizes):
        raise NoTextInput(
            f"`{name}` has pictures or nothing on its pages, and no text", hint=OCR_HINT
        )
    num_pictures = len(content.picture_pages)
    if (
        num_pictures > 0.8 * content.num_pages
        and sum(sizes) < MAX_SCAN_CHARACTERS * content.num_pages
    ):
        raise NoTextInput(
            f"`{name}` is a scan: {num_pictures} of {content.num_pages} pages have no text",
            hint=OCR_HINT,
        )
    text = "".join(line.text for page in content.lines for line in page)
    if num_unreadable(text) > MAX_UNREADABLE_SHARE * len(text):
        raise NoTextInput(
            f"the fonts of `{name}` do not say which characters they draw", hint=OCR_HINT
        )


def book_title(content: PdfContent, name: str) -> str:
    """Return the declared title unless a program made it up, else the file's name."""
    title = " ".join(content.metadata.get("title", "").split())
    made_up = title.lower().startswith("microsoft word") or title.lower().endswith(_SOURCE_SUFFIXES)
    if made_up or title.lower() in _NO_TITLES:
        return PurePath(name).stem or name
    return title


def _breaks(starts: Sequence[Start]) -> set[int]:
    return {
        index for start in starts for index in (start.line, start.line + start.num_heading_lines)
    }


def _page_warnings(content: PdfContent) -> list[str]:
    warnings = [
        f"page {content.labels[index]} cannot be read: {reason}"
        for index, reason in sorted(content.failed_pages.items())
    ]
    if content.replaced_pages:
        pages = ", ".join(content.labels[index] for index in sorted(content.replaced_pages)[:20])
        more = len(content.replaced_pages) - 20
        reason = content.replaced_pages[min(content.replaced_pages)]
        warnings.append(
            f"{len(content.replaced_pages)} pages are read with pdfium, since pypdf cannot: {pages}"
            + (f" and {more} more" if more > 0 else "")
            + f" ({reason})"
        )
    if content.picture_pages:
        pages = ", ".join(content.labels[index] for index in content.picture_pages[:20])
        more = len(content.picture_pages) - 20
        warnings.append(
            f"{len(content.picture_pages)} pages are pictures without text: {pages}"
            + (f" and {more} more" if more > 0 else "")
        )
    return warnings


def _make_blocks(
    lines: Sequence[Line],
    groups: Sequence[range],
    starts: Sequence[Start],
    layout: Layout,
    joiner: Joiner,
    labels: Sequence[str],
) -> list[RawBlock]:
    titles = {start.line: start for start in starts if start.num_heading_lines}
    blocks: list[RawBlock] = []
    for group in groups:
        texts = [lines[index].text for index in group]
        first = lines[group[0]]
        text = joiner.join(texts)
        level = 0
        kind = BlockKind.PARAGRAPH
        if (start := titles.get(group[0])) is not None:
            kind, level = BlockKind.HEADING, min(6, start.depth + 1)
        elif len(group) <= MAX_HEADING_LINES and _is_heading(text, first, layout):
            kind, level = BlockKind.HEADING, 2
        elif not any(map(str.isalnum, text)):
            kind = BlockKind.SEPARATOR
        elif len(texts) > 2 and is_verse(
            [*texts, "x" * round(layout.column)], round(0.8 * layout.column)
        ):
            kind, text = BlockKind.VERSE, "\n".join(texts)
        blocks.append(RawBlock(kind, text, level=level, page=labels[first.page]))
    return blocks


def _is_heading(text: str, first: Line, layout: Layout) -> bool:
    if not any(map(str.isalpha, text)):
        return False
    return (layout.is_large(first) and len(text.split()) <= HEADING_WORDS) or is_chapter_heading(
        text
    )


def _make_chapters(
    blocks: Sequence[RawBlock],
    groups: Sequence[range],
    starts: Sequence[Start],
    lines: Sequence[Line],
    labels: Sequence[str],
    title: str,
) -> list[RawChapter]:
    by_line = {start.line: start for start in starts}
    chapters: list[RawChapter] = []
    current = Start(0, title, "file")
    begun = 0

    def close(end: int) -> None:
        if begun == end:
            return
        first, last = lines[groups[begun][0]], lines[groups[end - 1][-1]]
        chapters.append(
            RawChapter(
                title=current.title,
                title_source=current.source,
                blocks=tuple(blocks[begun:end]),
                source=pages_title(labels[first.page], labels[last.page]).lower(),
                depth=current.depth,
            )
        )

    for index, group in enumerate(groups):
        if (start := by_line.get(group[0])) is not None:
            close(index)
            current, begun = start, index
    close(len(groups))
    return chapters
