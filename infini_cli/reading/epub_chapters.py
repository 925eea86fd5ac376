"""Where the chapters of an EPUB begin.

The coordinate of a beginning is (file in the spine, block in the file), so several chapters in
one file and one chapter over several files come out right. A chapter begins at every line of
the table of contents, and at files that no line names if they look like chapters themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from infini_cli.reading.book import BlockKind
from infini_cli.reading.epub_navigation import TocEntry
from infini_cli.reading.epub_package import PackageItem
from infini_cli.reading.headings import is_chapter_heading
from infini_cli.reading.matter import apparatus_reason
from infini_cli.reading.raw import RawBlock, RawChapter
from infini_cli.reading.xhtml import ParsedMarkup

MIN_CHAPTER_FILES = 3
MAX_CHAPTER_WORDS = 40_000
_LEADING_BLOCKS = 3


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the spine, taken apart."""

    item: PackageItem
    markup: ParsedMarkup

    @property
    def roles(self) -> frozenset[str]:
        """What the file says it is."""
        nav = frozenset({"toc"}) if "nav" in self.item.properties else frozenset()
        return self.markup.roles | nav

    @property
    def num_words(self) -> int:
        """Whitespace-separated words."""
        return sum(len(block.text.split()) for block in self.markup.blocks)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a chapter begins: file and block, what it is called, what the file says it is."""

    document: int
    block: int
    title: str
    title_source: str
    roles: frozenset[str]
    depth: int = 0


def split_chapters(documents: Sequence[Document], toc: Sequence[TocEntry]) -> Iterator[RawChapter]:
    """Cut the files into chapters.

    Args:
        documents: in reading order.
        toc: the lines of the table of contents, none if there is none.
    """
    starts = chapter_starts(documents, toc)
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        blocks = tuple(_blocks_between(documents, start, end))
        document = documents[start.document]
        if blocks:
            yield RawChapter(
                title=start.title,
                title_source=start.title_source,
                blocks=blocks,
                source=document.item.path,
                depth=start.depth,
                roles=start.roles,
            )


def chapter_starts(documents: Sequence[Document], toc: Sequence[TocEntry]) -> list[Start]:
    """Give the beginnings of chapters in reading order; together they cover every block."""
    starts = _named_starts(documents, toc)
    has_contents = bool(starts)
    level = _usual_level(documents, starts.values())
    current: Start | None = None
    for index, document in enumerate(documents):
        inside = sorted(block for place, block in starts if place == index)
        if document.markup.blocks and inside[:1] != [0]:
            start = _own_start(index, document)
            continues = (
                current is not None
                and has_contents
                and (bool(inside) or _continues(documents, current, start, level))
            )
            if not continues:
                starts[index, 0] = start
                inside = [0, *inside]
        if inside:
            current = starts[index, inside[-1]]
    return [starts[place] for place in sorted(starts)]


def _named_starts(
    documents: Sequence[Document], toc: Sequence[TocEntry]
) -> dict[tuple[int, int], Start]:
    """Find the place of every line of the table of contents."""
    exact = {document.item.path: index for index, document in enumerate(documents)}
    folded = {path.casefold(): index for path, index in reversed(exact.items())}
    placed = [
        (entry, exact.get(entry.path, folded.get(entry.path.casefold(), -1))) for entry in toc
    ]
    chapter_files = _chapter_files(documents, placed)
    starts: dict[tuple[int, int], Start] = {}
    whole: tuple[int, int] | None = None
    for entry, index in placed:
        if index < 0:
            continue
        if whole is not None and whole[0] == index and entry.depth > whole[1]:
            continue  # a section of a chapter: a scene of an act, a poem of a cycle
        whole = (index, entry.depth) if index in chapter_files and not entry.fragment else None
        document = documents[index]
        block, roles = _place_of(entry, document)
        if block >= len(document.markup.blocks) and document.markup.blocks:
            continue  # nothing stands there any more, as where notes were taken out
        other = starts.get((index, block))
        # Of a part and the chapter that begins with it, the chapter gives its name.
        if other is None or entry.depth > other.depth:
            own = _own_start(index, document, block)
            title, source = (entry.title, "toc") if entry.title else (own.title, own.title_source)
            starts[index, block] = Start(index, block, title, source, roles, entry.depth)
    return starts


def _chapter_files(
    documents: Sequence[Document], placed: Sequence[tuple[TocEntry, int]]
) -> frozenset[int]:
    """Give the files that are one chapter each.

    Where the contents name files as a whole, one after another, lines below them name sections;
    where they name one or two, those are the book, and the lines below are its chapters.
    """
    files = {index for entry, index in placed if index >= 0 and not entry.fragment}
    if len(files) < MIN_CHAPTER_FILES:
        return frozenset()
    return frozenset(index for index in files if documents[index].num_words <= MAX_CHAPTER_WORDS)


def _place_of(entry: TocEntry, document: Document) -> tuple[int, frozenset[str]]:
    if not entry.fragment:
        return 0, document.roles
    if (anchor := document.markup.anchors.get(entry.fragment)) is not None:
        return anchor.block, anchor.roles
    wanted = entry.title.casefold()
    for index, found in enumerate(document.markup.blocks):
        if wanted and found.kind is BlockKind.HEADING and found.text.casefold() == wanted:
            return index, document.roles
    return 0, document.roles


def _own_start(index: int, document: Document, block: int = 0) -> Start:
    """Name a place by its heading, else by its file."""
    heading = _leading_heading(document, block)
    if heading is not None:
        return Start(index, block, heading.text, "heading", document.roles)
    title = document.markup.title or PurePath(document.item.path).stem
    return Start(index, block, title, "file", document.roles)


def _leading_heading(document: Document, block: int = 0) -> RawBlock | None:
    leading = document.markup.blocks[block : block + _LEADING_BLOCKS]
    return next((found for found in leading if found.kind is BlockKind.HEADING), None)


def _usual_level(documents: Sequence[Document], starts: Iterable[Start]) -> int:
    """Give the level of the headings that the named chapters begin with, 0 if they have none."""
    levels: Counter[int] = Counter()
    for start in starts:
        heading = _leading_heading(documents[start.document], start.block)
        if heading is not None:
            levels[heading.level] += 1
    return levels.most_common(1)[0][0] if levels else 0


def _continues(
    documents: Sequence[Document], current: Start, start: Start, usual_level: int
) -> bool:
    """Tell whether a file that no line names goes on with the chapter before."""
    document = documents[start.document]
    if document.item.linear != documents[current.document].item.linear:
        return False
    own = apparatus_reason(start.roles, start.title)
    before = apparatus_reason(current.roles, current.title)
    if own is not None or before is not None:
        return own == before
    first = document.markup.blocks[0]
    if first.kind is not BlockKind.HEADING:
        return True
    return not (first.level <= usual_level or is_chapter_heading(first.text))


def _blocks_between(
    documents: Sequence[Document], start: Start, end: Start | None
) -> Iterator[RawBlock]:
    last = end.document if end is not None else len(documents) - 1
    for index in range(start.document, last + 1):
        first = start.block if index == start.document else 0
        stop = end.block if end is not None and index == end.document else None
        yield from documents[index].markup.blocks[first:stop]
