"""Read Rich Text (RTF) through `striprtf`: headings are known by outline level, else by words."""

from __future__ import annotations

import re
from dataclasses import replace

from striprtf.striprtf import rtf_to_text

from infini_cli.errors import InputTooLarge, damaged
from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.markup_book import Declared, book_of_markup
from infini_cli.reading.raw import RawBlock, RawBook, ReadOptions
from infini_cli.reading.text import read_text
from infini_cli.reading.xhtml import ParsedMarkup

MAX_CHARACTERS = 20 * 1024 * 1024
"""Pictures not counted; the longest novels have 3 MiB."""
MAX_FONT_TABLE = 128 * 1024
MAX_FONT_CHARACTERS = 200
# Private characters that stand for what `striprtf` does not know, while it is at work.
_LINE_MARK = "\uf8f0"
_LEVEL_MARK = 0xF8E0
_LEVELS = re.compile(f"[{chr(_LEVEL_MARK)}-{chr(_LEVEL_MARK + 8)}]")
# An escaped backslash comes first, or the word behind it would be taken for a control word.
_LINE = re.compile(r"(\\\\)|\\line(?![a-z])(?:-?\d{1,10})? ?")
_LEVEL = re.compile(r"(\\\\)|\\outlinelevel([0-8])(?!\d) ?")
_FIELD = re.compile(r"\{\s*\\field(?![a-z])", re.IGNORECASE)
_NOTE = re.compile(r"\\footnote(?![a-z])")
_PICTURE = re.compile(rb"[0-9a-fA-F\r\n]{256,}")
_FONT_TABLE = re.compile(r"\{\s*\\fonttbl(?![a-z])")
_FONT = re.compile(r"(?=\\f\d)")
# Of these character sets of old Macintoshes no decoder is at hand.
_UNKNOWN_CHARSET = re.compile(r"\\fcharset(?:78|79|80|82|85|87|88|89|130)(?!\d)")


def read_rtf(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read Rich Text.

    Args:
        data: the file.
        name: its name; the title where the document names none.
        options: none of them concerns Rich Text.

    Raises:
        DamagedInput: it cannot be read.
        InputTooLarge: it is larger than any book.
    """
    source = _PICTURE.sub(b"", data).decode("latin-1")
    if len(source) > MAX_CHARACTERS:
        raise InputTooLarge(
            f"`{name}` has {len(source):,} characters besides its pictures",
            hint="split it into smaller files",
        )
    text = _plain(_tame(source, name), name)
    title, author = (_information(key, source, name) for key in ("title", "author"))
    declared = Declared(title=title, authors=(author,) if author else ())
    num_notes = len(_NOTE.findall(source))
    removals = (Removal("note", num_notes, 0),) if num_notes else ()
    if _LEVELS.search(text):
        markup = ParsedMarkup(_blocks(text), {}, None, None, frozenset(), removals)
        return book_of_markup(markup, name, "rtf", declared)
    text = text.replace("\n", "\n\n").replace(_LINE_MARK, "\n")
    book = read_text(text.encode(), name, ReadOptions())
    return replace(
        book,
        title=declared.title or book.title,
        authors=declared.authors or book.authors,
        format="rtf",
        removals=(*removals, *book.removals),
        encoding=None,
    )


def _tame(source: str, name: str) -> str:
    """Mark line breaks and headings, and take out what makes `striprtf` search without end."""
    source = _LINE.sub(lambda match: match[1] or f"\\softline {_LINE_MARK}", source)
    source = _LEVEL.sub(
        lambda match: match[1] or f"\\outlinelevel {chr(_LEVEL_MARK + int(match[2]))}", source
    )
    source = _FIELD.sub(r"{\\anyfield", source)  # it would print the address of each link
    start = _FONT_TABLE.search(source)
    if start is None:
        return source
    depth = 0
    for end in range(start.start(), min(len(source), start.start() + MAX_FONT_TABLE)):
        depth += {"{": 1, "}": -1}.get(source[end], 0)
        if depth == 0:
            break
    else:
        raise damaged(name, "its list of fonts has no end")
    # One font a line and each with an end: there the expression that looks for fonts stops.
    table = _UNKNOWN_CHARSET.sub(r"\\fcharset0", source[start.start() : end + 1])
    fonts = _FONT.sub("\n", table.replace("\n", " ")).split("\n")
    kept = [font if len(font) <= MAX_FONT_CHARACTERS else _braces(font) for font in fonts]
    return source[: start.start()] + ";\n".join(kept) + source[end + 1 :]


def _braces(text: str) -> str:
    return "".join(character for character in text if character in "{}")


def _plain(source: str, name: str) -> str:
    try:
        text = str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]
    # On numbers out of range and code pages that do not exist.
    except (ValueError, LookupError, OverflowError) as error:
        raise damaged(name, "it is no well-formed Rich Text") from error
    # Characters beyond the first 65,536 are written as two halves.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _information(key: str, source: str, name: str) -> str | None:
    match = re.search(rf"\{{\\{key} ([^{{}}]{{1,2000}})\}}", source)
    if match is None:
        return None
    return " ".join(_plain(f"{{\\rtf1 {match[1]}}}", name).split()) or None


def _blocks(text: str) -> tuple[RawBlock, ...]:
    blocks = []
    for paragraph in text.split("\n"):
        mark = _LEVELS.search(paragraph)
        lines = _LEVELS.sub("", paragraph).split(_LINE_MARK)
        lines = [line for line in (" ".join(line.split()) for line in lines) if line]
        if mark is not None and lines:
            level = min(6, ord(mark[0]) - _LEVEL_MARK + 1)
            blocks.append(RawBlock(BlockKind.HEADING, " ".join(lines), level))
        elif lines:
            kind = BlockKind.VERSE if len(lines) > 1 else BlockKind.PARAGRAPH
            blocks.append(RawBlock(kind, "\n".join(lines)))
    return tuple(blocks)
