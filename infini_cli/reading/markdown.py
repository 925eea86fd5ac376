"""Read Markdown: headings are chapters, front matter names title and author."""

from __future__ import annotations

from pathlib import PurePath

from infini_cli.reading.encoding import decode
from infini_cli.reading.markdown_blocks import markdown_blocks, split_front_matter
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.sections import split_sections


def read_markdown(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read Markdown.

    Args:
        data: the file.
        name: its name; the title where the text names none.
        options: `encoding` overrides the detection.

    Raises:
        UsageError: `options.encoding` is no encoding.
        DamagedInput: the file is not in the encoding that the user names.
    """
    decoded = decode(data, override=options.encoding)
    front = split_front_matter(decoded.text)
    declared = front.first("title")
    fallback = PurePath(name).stem or name
    sections = split_sections(markdown_blocks(front.rest), declared or fallback)
    authors = front.fields.get("author") or front.fields.get("authors") or ()
    return RawBook(
        title=declared or sections.title or fallback,
        authors=authors,
        language=front.first("language", "lang"),
        format="markdown",
        chapters=tuple(sections.chapters),
        warnings=decoded.warnings,
        encoding=decoded.encoding,
    )
