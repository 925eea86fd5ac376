"""Read an EPUB: its spine is the text, its table of contents says where chapters begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from infini_cli.errors import InputError, NoTextInput, damaged
from infini_cli.reading.encoding import declared_encoding, decode
from infini_cli.reading.epub_chapters import Document, split_chapters
from infini_cli.reading.epub_navigation import TocEntry, read_toc
from infini_cli.reading.epub_package import Package, open_package
from infini_cli.reading.gutenberg import strip_licence_blocks
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.removals import sum_removals
from infini_cli.reading.xhtml import read_markup


def read_epub(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read an EPUB.

    Args:
        data: the file.
        name: its name; the title where the package names none.
        options: none of them concerns EPUB files.

    Raises:
        DamagedInput: the archive or its package cannot be read.
        ProtectedInput: it is locked.
        EncryptedInput: it is a zip archive with a password.
        NoTextInput: it holds pictures and no text.
        InputTooLarge: it unpacks to more than any book, or nests deeper.
    """
    package = open_package(data, name, options.limits)
    toc = read_toc(package)
    documents, warnings = _documents(package, options, toc)
    if not any(document.markup.blocks for document in documents):
        raise _without_text(documents, name)
    stripped = strip_licence_blocks(tuple(split_chapters(documents, toc)))
    taken = [removal for document in documents for removal in document.markup.removals]
    return RawBook(
        title=package.title or PurePath(name).stem or name,
        authors=package.authors,
        language=package.language,
        format="epub",
        chapters=stripped.chapters,
        removals=sum_removals([*taken, *stripped.removals]),
        warnings=(*package.warnings, *warnings),
        metadata=package.metadata,
    )


def _documents(
    package: Package, options: ReadOptions, toc: Sequence[TocEntry]
) -> tuple[list[Document], list[str]]:
    anchors: defaultdict[str, set[str]] = defaultdict(set)
    for entry in toc:
        anchors[entry.path].add(entry.fragment)
    documents: list[Document] = []
    warnings: list[str] = []
    page: str | None = None
    for item in package.spine:
        decoded = decode(item.content, declared=declared_encoding(item.content))
        if decoded.text.strip() and not decoded.text.lstrip().startswith("<"):
            # A picture or a locked file under a false name would come out as letters.
            warnings.append(f"`{item.path}` is no markup")
            decoded = decode(b"")
        markup = read_markup(decoded.text, options, page, frozenset(anchors[item.path]))
        page = markup.last_page
        documents.append(Document(item, markup))
        warnings += [f"`{item.path}`: {warning}" for warning in decoded.warnings]
    return documents, warnings


def _without_text(documents: Sequence[Document], name: str) -> InputError:
    pictures = sum(
        max(document.markup.num_pictures, int(document.item.is_picture)) for document in documents
    )
    if not pictures and not any(document.item.content for document in documents):
        return damaged(name, "none of its chapters can be read")
    what = "holds only pictures, no text" if pictures else "holds no text"
    return NoTextInput(f"`{name}` {what}", hint="pictures of pages need text recognition first")
