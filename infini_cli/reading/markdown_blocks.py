"""Turn Markdown into blocks without markup, and read its front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from infini_cli.reading.book import BlockKind
from infini_cli.reading.raw import RawBlock

MAX_NESTING = 30
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<body>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(?P<key>[A-Za-z][\w-]*)[ \t]*:[ \t]*(?P<value>.*)$")
_ITEM = re.compile(r"^[ \t]*-[ \t]+(?P<value>.+)$")
_MAX_FRONT_MATTER = 20_000
_BREAK_TAG = re.compile(r"^<br\s*/?>$", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|<[!/?A-Za-z][^<>]*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields in front of a Markdown file.

    Attributes:
        fields: names in lower case to one or more values.
        rest: the text behind them.
    """

    fields: dict[str, tuple[str, ...]]
    rest: str

    def first(self, *names: str) -> str | None:
        """Return the first value of the first of these fields that has one."""
        return next((self.fields[name][0] for name in names if self.fields.get(name)), None)


def split_front_matter(text: str) -> FrontMatter:
    r"""Read `key: value`, `key: [a, b]` and lists of dashes; anything deeper is left alone.

    The whole of YAML is a language with references that grow without bound; a
    book needs a title and names.

    Args:
        text: the file, with `\\n` line ends.
    """
    match = _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER])
    if match is None or not any(map(_FIELD.match, match["body"].splitlines())):
        return FrontMatter({}, text)
    fields: dict[str, list[str]] = {}
    key = ""
    for line in match["body"].splitlines():
        if field := _FIELD.match(line):
            key = field["key"].lower()
            fields[key] = list(_values(field["value"]))
        elif key and (item := _ITEM.match(line)):
            fields[key].append(_unquote(item["value"]))
    return FrontMatter(
        {name: tuple(values) for name, values in fields.items()}, text[match.end() :]
    )


def _values(text: str) -> Iterator[str]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        yield from filter(None, (_unquote(part) for part in text[1:-1].split(",")))
    elif text and text not in {"|", ">", "|-", ">-"}:
        yield _unquote(text)


def _unquote(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def markdown_blocks(text: str) -> list[RawBlock]:
    """Return the blocks of a Markdown text.

    Args:
        text: without front matter.
    """
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table")
    return list(_blocks(parser.parse(text)))


def _blocks(tokens: Sequence[Token]) -> Iterator[RawBlock]:
    """Walk the flat token list; the containers open around a token decide its kind."""
    open_containers: list[str] = []
    row: list[str] | None = None
    level = 0
    for token in tokens:
        kind = token.type
        if kind == "heading_open":
            level = int(token.tag[1:])
        elif kind == "heading_close":
            level = 0
        elif kind == "tr_open":
            row = []
        elif kind == "tr_close":
            if row and any(row):
                yield RawBlock(BlockKind.TABLE_ROW, " | ".join(row))
            row = None
        elif kind in {"blockquote_open", "list_item_open"}:
            open_containers.append(kind.removesuffix("_open"))
        elif kind in {"blockquote_close", "list_item_close"}:
            open_containers.pop()
        elif kind == "hr":
            yield RawBlock(BlockKind.SEPARATOR, "* * *")
        elif kind in {"code_block", "fence"}:
            if code := token.content.strip("\n"):
                yield RawBlock(BlockKind.VERSE, code)
        elif kind == "html_block":
            if plain := " ".join(_TAG.sub(" ", token.content).split()):
                yield RawBlock(BlockKind.PARAGRAPH, plain)
        elif kind == "inline":
            said = inline_text(token.children or [])
            if row is not None:
                row.append(said.replace("\n", " "))
            elif said:
                yield _block(said, level, open_containers)


def _block(text: str, level: int, containers: Sequence[str]) -> RawBlock:
    if level:
        return RawBlock(BlockKind.HEADING, text.replace("\n", " "), level=level)
    if "\n" in text:
        return RawBlock(BlockKind.VERSE, text)
    if containers:
        last = containers[-1]
        return RawBlock(BlockKind.QUOTE if last == "blockquote" else BlockKind.LIST_ITEM, text)
    return RawBlock(BlockKind.PARAGRAPH, text)


def inline_text(tokens: Sequence[Token]) -> str:
    """Return what inline tokens say, without emphasis, links, pictures and tags."""
    parts: list[str] = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak" or (
            token.type == "html_inline" and _BREAK_TAG.match(token.content)
        ):
            parts.append("\n")
    lines = "".join(parts).replace("\u00ad", "").split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))
