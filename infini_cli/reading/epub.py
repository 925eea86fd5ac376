"""Read an EPUB: its spine is the text, its table of contents says where chapters begin.

A chapter begins at a table-of-contents line, whether that names a file or an element inside
one; files that no line names belong to the chapter before, unless they are apparatus. The
coordinate of a beginning is (file in the spine, block in the file), so several chapters in
one file and one chapter over several files come out right.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from infini_cli.errors import DamagedInput, NoTextInput
from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.encoding import decode
from infini_cli.reading.epub_navigation import TocEntry, read_toc
from infini_cli.reading.epub_package import Package, PackageItem, open_package
from infini_cli.reading.html import declared_encoding
from infini_cli.reading.matter import APPARATUS_ROLES
from infini_cli.reading.raw import RawBlock, RawBook, RawChapter, ReadOptions
from infini_cli.reading.xhtml import ParsedMarkup, read_markup

MAX_WHOLE_FILE_WORDS = 15_000
"""A file of at most this many words that the contents name is one chapter."""


@dataclass(frozen=True, slots=True)
class _Document:
    """A file of the spine, taken apart."""

    item: PackageItem
    markup: ParsedMarkup


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a chapter begins: file and block, and what it is called."""

    document: int
    block: int
    title: str
    title_source: str
    depth: int


def read_epub(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read an EPUB.

    Args:
        data: the file.
        name: its name; the title where the package names none.
        options: none of them concerns EPUB files.

    Raises:
        DamagedInput: the archive or its package cannot be read.
        ProtectedInput: it is locked.
        NoTextInput: it holds pictures and no text.
        InputTooLarge: it unpacks to more than any book.
    """
    package = open_package(data, name)
    documents = _documents(package, options)
    if not any(document.markup.blocks for document in documents):
        _refuse_empty(package, documents, name)
    title = package.title or PurePath(name).stem or name
    removals: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for document in documents:
        for removal in document.markup.removals:
            removals[removal.what] += removal.count
            words[removal.what] += removal.num_words
    return RawBook(
        title=title,
        authors=package.authors,
        language=package.language,
        format="epub",
        chapters=tuple(_chapters(documents, read_toc(package), title)),
        removals=tuple(Removal(what, count, words[what]) for what, count in removals.items()),
        warnings=package.warnings,
        metadata=package.metadata,
    )


def _documents(package: Package, options: ReadOptions) -> list[_Document]:
    documents: list[_Document] = []
    page: str | None = None
    for item in package.spine:
        decoded = decode(item.content, declared=declared_encoding(item.content))
        markup = read_markup(decoded.text, options, page)
        page = markup.last_page or page
        documents.append(_Document(item, markup))
    return documents


def _refuse_empty(package: Package, documents: list[_Document], name: str) -> None:
    if package.num_missing == len(package.spine):
        raise DamagedInput(
            f"`{name}` is damaged: none of its chapters can be read",
            hint="get another copy of the file",
        )
    pictures = sum(document.markup.num_pictures for document in documents)
    what = f"holds {pictures} pictures and no text" if pictures else "holds no text"
    raise NoTextInput(f"`{name}` {what}", hint="pictures of pages need text recognition first")


def _chapters(documents: list[_Document], toc: list[TocEntry], title: str) -> list[RawChapter]:
    starts = _starts(documents, toc)
    chapters: list[RawChapter] = []
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else None
        blocks = _between(documents, start, end)
        if not blocks:
            continue
        document = documents[start.document]
        chapters.append(
            RawChapter(
                title=start.title or title,
                title_source=start.title_source,
                blocks=tuple(blocks),
                source=document.item.path,
                depth=start.depth,
                roles=document.markup.roles | _property_roles(document.item),
            )
        )
    return chapters


def _property_roles(item: PackageItem) -> frozenset[str]:
    return frozenset({"toc"}) if "nav" in item.properties else frozenset()


def _starts(documents: list[_Document], toc: list[TocEntry]) -> list[_Start]:
    places = {document.item.path.lower(): index for index, document in enumerate(documents)}
    named: dict[tuple[int, int], _Start] = {}
    whole: tuple[int, int] | None = None
    for entry in toc:
        index = places.get(entry.path.lower())
        if index is None:
            continue
        if whole is not None and whole[0] == index and entry.depth > whole[1]:
            # The scenes of an act, the poems of a cycle: sections of a chapter that the
            # contents name as a whole, unless that chapter is the size of a book.
            continue
        whole = None
        if not entry.fragment and _num_words(documents[index]) <= MAX_WHOLE_FILE_WORDS:
            whole = (index, entry.depth)
        block = documents[index].markup.anchors.get(entry.fragment, 0) if entry.fragment else 0
        # Of several lines that name one place the first is the division (a part), the last
        # the chapter that begins there.
        depth = entry.depth
        if (index, block) in named and not entry.title:
            continue
        named[index, block] = _Start(index, block, entry.title, "toc", depth)
    in_toc = {index for index, _ in named}
    for index, document in enumerate(documents):
        if (index, 0) in named or not document.markup.blocks:
            continue
        roles = document.markup.roles | _property_roles(document.item)
        follows = index > 0 and bool(named) and min(in_toc) < index
        if index in in_toc and _only_headings_before_first(document, index, named):
            continue
        if follows and index not in in_toc and not roles & APPARATUS_ROLES.keys():
            continue
        if follows and index in in_toc:
            continue
        named[index, 0] = _heading_start(index, document)
    return [named[place] for place in sorted(named)]


def _num_words(document: _Document) -> int:
    return sum(len(block.text.split()) for block in document.markup.blocks)


def _only_headings_before_first(
    document: _Document, index: int, named: dict[tuple[int, int], _Start]
) -> bool:
    first = min(block for place, block in named if place == index)
    return not document.markup.blocks[:first]


def _heading_start(index: int, document: _Document) -> _Start:
    for block in document.markup.blocks[:3]:
        if block.kind is BlockKind.HEADING:
            return _Start(index, 0, block.text, "heading", 0)
    if document.markup.title:
        return _Start(index, 0, document.markup.title, "file", 0)
    return _Start(index, 0, PurePath(document.item.path).stem, "file", 0)


def _between(documents: list[_Document], start: _Start, end: _Start | None) -> list[RawBlock]:
    last = end.document if end is not None else len(documents) - 1
    blocks: list[RawBlock] = []
    for index in range(start.document, last + 1):
        first = start.block if index == start.document else 0
        stop = end.block if end is not None and index == end.document else None
        blocks.extend(documents[index].markup.blocks[first:stop])
    return blocks
