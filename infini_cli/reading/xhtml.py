"""Markup to blocks: a chapter of an EPUB, or an HTML file.

Markup is read as browsers read it, whatever it claims to be: books declare XHTML and hold
unclosed elements, entities of HTML and empty titles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lxml.html
from lxml import etree

from infini_cli.reading.book import Removal
from infini_cli.reading.raw import RawBlock, ReadOptions
from infini_cli.reading.xhtml_walk import Anchor, Walk, roles_of

__all__ = ["ParsedMarkup", "parse_markup", "read_markup", "read_tree", "roles_of"]

MAX_PROLOGUE_CHARACTERS = 100_000
# Atomic: what a comment took it keeps, or many comments could be split in endless ways.
_PROLOGUE = re.compile(
    r"^\s*(?:<\?xml[^>]*\?>\s*)?(?>(?:<!--.*?-->\s*)*)<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>",
    re.IGNORECASE | re.DOTALL,
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_SPACE = re.compile(r"\s+")
_WRAPPERS = frozenset({"section", "article", "main", "div"})


@dataclass(frozen=True, slots=True)
class ParsedMarkup:
    """A document's text.

    Attributes:
        blocks: in order.
        anchors: elements with identifiers.
        title: the document's `title`, if it has one.
        language: of the document, if it says so.
        roles: `epub:type` words of the body and of the sections that hold all of it.
        removals: what was left out.
        last_page: label of the page that the document ends on, where pages are marked.
        num_pictures: pictures met.
    """

    blocks: tuple[RawBlock, ...]
    anchors: dict[str, Anchor]
    title: str | None
    language: str | None
    roles: frozenset[str]
    removals: tuple[Removal, ...]
    last_page: str | None = None
    num_pictures: int = 0


def read_markup(
    text: str,
    options: ReadOptions | None = None,
    page: str | None = None,
    chapter_anchors: frozenset[str] = frozenset(),
) -> ParsedMarkup:
    """Take a document apart.

    Args:
        text: decoded markup; broken markup is read as browsers do.
        options: nothing of them concerns markup yet.
        page: label of the page that the document begins on.
        chapter_anchors: identifiers of elements that begin chapters; notes are left out
            unless they are a chapter.

    Raises:
        InputTooLarge: elements are nested deeper than in any book.
    """
    root = parse_markup(text)
    if root is None:
        return ParsedMarkup((), {}, None, None, frozenset(), (), page)
    return read_tree(root, page, chapter_anchors)


def read_tree(
    root: etree._Element, page: str | None = None, chapter_anchors: frozenset[str] = frozenset()
) -> ParsedMarkup:
    """Take a tree of HTML elements apart; the arguments are those of `read_markup`.

    Raises:
        InputTooLarge: elements are nested deeper than in any book.
    """
    roles = _document_roles(root)
    walk = Walk(page=page, document_roles=roles, chapter_anchors=chapter_anchors)
    walk.run(root)
    title = root.findtext(".//title")
    return ParsedMarkup(
        blocks=tuple(walk.blocks),
        anchors=walk.anchors,
        title=_SPACE.sub(" ", title).strip() or None if title else None,
        language=root.get("lang") or root.get("xml:lang"),
        roles=roles,
        removals=tuple(
            Removal(what, count, walk.removed_words[what]) for what, count in walk.removed.items()
        ),
        last_page=walk.page,
        num_pictures=walk.num_pictures,
    )


def parse_markup(text: str) -> etree._Element | None:
    """Build the tree of a document; None if there is nothing in it."""
    text = text.replace("\x00", "")
    # The encoding that a declaration names was undone already, and the parser would take the
    # definitions inside a document type for text.
    head, rest = text[:MAX_PROLOGUE_CHARACTERS], text[MAX_PROLOGUE_CHARACTERS:]
    text = _DECLARATION.sub("", _PROLOGUE.sub("", head, count=1), count=1) + rest
    if not text.strip():
        return None
    parser = lxml.html.HTMLParser(
        huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return lxml.html.document_fromstring(text, parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def _document_roles(root: etree._Element) -> frozenset[str]:
    """Collect the roles from the body inwards, as long as one element holds everything."""
    element = root.find("body")
    roles: frozenset[str] = frozenset()
    while element is not None:
        roles |= roles_of(element)
        children = list(element)
        alone = len(children) == 1 and children[0].tag in _WRAPPERS
        element = children[0] if alone else None
    return roles
