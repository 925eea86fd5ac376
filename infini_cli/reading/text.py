"""Read plain text: decode it, rebuild its paragraphs, find its chapters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from infini_cli.reading.book import BlockKind
from infini_cli.reading.encoding import decode
from infini_cli.reading.gutenberg import Stripped, strip_licence
from infini_cli.reading.headings import is_title
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter, ReadOptions
from infini_cli.reading.text_chapters import TextStart, text_starts
from infini_cli.reading.text_layout import Paragraph, split_paragraphs

_BY = re.compile(r"^by\s+(?P<name>[^!?]{2,60})$", re.IGNORECASE)


def read_text(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read plain text.

    Args:
        data: the file.
        name: its name; the title where the text names none.
        options: `encoding` overrides the detection.

    Raises:
        UsageError: `options.encoding` is no encoding.
        DamagedInput: the file is not in the encoding that the user names.
    """
    stripped, encoding, warnings = _decode(data, options)
    paragraphs = split_paragraphs(stripped.text)
    own_title, own_author = title_page(paragraphs)
    title = stripped.title or own_title or PurePath(name).stem or name
    return RawBook(
        title=title,
        authors=stripped.authors or ((own_author,) if own_author else ()),
        language=stripped.language,
        format="text",
        chapters=tuple(_chapters(paragraphs, title)),
        removals=stripped.removals,
        warnings=warnings,
        encoding=encoding,
    )


def _decode(data: bytes, options: ReadOptions) -> tuple[Stripped, str, tuple[str, ...]]:
    """Give the text without a licence, its encoding and warnings; the whole text is let go."""
    decoded = decode(data, override=options.encoding)
    return strip_licence(decoded.text), decoded.encoding, decoded.warnings


def title_page(paragraphs: Sequence[Paragraph]) -> tuple[str | None, str | None]:
    """Return title and author where the text begins with a line and `by` somebody."""
    if len(paragraphs) < 2:
        return None, None
    title, author = paragraphs[0].text.replace("\n", " "), paragraphs[1].text.replace("\n", " ")
    if (match := _BY.match(author)) is None or not is_title(title):
        return None, None
    return title, match["name"].strip()


def _chapters(paragraphs: Sequence[Paragraph], title: str) -> list[RawChapter]:
    starts = text_starts(paragraphs)
    chapters: list[RawChapter] = []
    if not starts or starts[0].index > 0:
        end = starts[0].index if starts else len(paragraphs)
        if blocks := tuple(_block(paragraph) for paragraph in paragraphs[:end]):
            chapters.append(RawChapter(title=title, title_source="file", blocks=blocks))
    for number, start in enumerate(starts, 1):
        end = starts[number].index if number < len(starts) else len(paragraphs)
        blocks = tuple(_chapter_blocks(start, paragraphs[start.index : end]))
        chapters.append(
            RawChapter(title=start.title, title_source="heading", blocks=blocks, depth=start.depth)
        )
    return chapters


def _chapter_blocks(start: TextStart, paragraphs: Sequence[Paragraph]) -> list[RawBlock]:
    headings = [
        RawBlock(BlockKind.HEADING, " ".join(paragraph.lines or ()), level=start.depth + 1)
        for paragraph in paragraphs[: start.num_headings]
    ]
    return [*headings, *map(_block, paragraphs[start.num_headings :])]


def _block(paragraph: Paragraph) -> RawBlock:
    return RawBlock(paragraph.kind, paragraph.text)
