"""Front, body or back, and whether a chapter is read.

Left out is only what is apparatus: title pages, contents, imprint, licence, notes, index.
Prefaces, dedications and appendices are the author's text and stay. What the file itself says
(`epub:type`) decides first, then the whole title; a long text is never left out for its title.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from infini_cli.reading.book import Matter
from infini_cli.reading.raw import RawChapter

COVER = "cover"
TITLE_PAGE = "title page"
HALF_TITLE = "half title"
IMPRINT = "imprint"
COPYRIGHT = "copyright page"
COLOPHON = "colophon"
CONTENTS = "table of contents"
ILLUSTRATIONS = "list of illustrations"
NOTES = "notes"
INDEX = "index"
LICENCE = "licence"
TRANSCRIBER = "transcriber's note"
ADVERTISEMENT = "advertisement"

ROLE_REASONS = {
    "cover": COVER,
    "titlepage": TITLE_PAGE,
    "title-page": TITLE_PAGE,
    "halftitlepage": HALF_TITLE,
    "halftitle": HALF_TITLE,
    "imprint": IMPRINT,
    "copyright-page": COPYRIGHT,
    "uncopyright": COPYRIGHT,
    "colophon": COLOPHON,
    "toc": CONTENTS,
    "toc-brief": CONTENTS,
    "landmarks": CONTENTS,
    "loi": ILLUSTRATIONS,
    "lot": "list of tables",
    "page-list": "list of pages",
    "endnotes": NOTES,
    "rearnotes": NOTES,
    "footnotes": NOTES,
    "index": INDEX,
    "pg-header": LICENCE,
    "pg-footer": LICENCE,
    "seriespage": "list of the series",
    "other-credits": "credits",
}
"""Why a chapter that calls itself so is left out."""

TITLE_REASONS: dict[str, str] = {
    title: reason
    for reason, titles in {
        COVER: "cover, cover page, front cover, umschlag, couverture, cubierta",
        TITLE_PAGE: "title page, titlepage, titelseite, page de titre, portada",
        HALF_TITLE: "half title, half title page, halftitlepage",
        CONTENTS: "contents, table of contents, brief contents, inhalt, inhaltsverzeichnis, "
        "table des matières, sommaire, contenido, tabla de contenido, indice generale",
        ILLUSTRATIONS: "illustrations, list of illustrations, list of plates",
        COPYRIGHT: "copyright, copyright page, copyright notice, uncopyright, mentions légales",
        IMPRINT: "imprint, impressum",
        COLOPHON: "colophon",
        NOTES: "notes, endnotes, footnotes, anmerkungen, fußnoten, notes de bas de page, notas",
        INDEX: "index",
        TRANSCRIBER: "transcriber's note, transcriber's notes, transcriber notes",
        LICENCE: "the full project gutenberg license, project gutenberg license, "
        "the full project gutenberg™ license, the project gutenberg license",
    }.items()
    for title in titles.split(", ")
}
"""Why a chapter with just this title is left out."""

ADVERTISEMENTS = re.compile(r"^(?:also|(?:other )?books|other titles) by\b|^praise for\b")
FRONT_ROLES = frozenset(
    {"acknowledgments", "acknowledgements", "dedication", "epigraph", "foreword", "frontispiece"}
    | {"introduction", "preamble", "preface", "dramatis-personae"}
)
BACK_ROLES = frozenset({"afterword", "appendix", "bibliography", "glossary"})
FRONT_TITLES = re.compile(
    r"^(?:(?:the )?(?:author|translator|editor|publisher)(?:'s|s')? )?"
    r"(?:preface|foreword|introduction|introductory note|dedication|epigraph|acknowledge?ments"
    r"|dramatis personae)\b"
)
BACK_TITLES = re.compile(r"^(?:appendix|afterword|glossary|bibliography|about the author)\b")

MAX_TITLE_PAGE_WORDS = 60
MAX_WORDS_BY_TITLE = 3000
MAX_SHARE_BY_TITLE = 0.2
"""A chapter of more words, and a larger share of the book, is not left out for its title."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chapter belongs, and why it is left out, if it is."""

    matter: Matter
    skip_reason: str | None = None


def apparatus_reason(roles: Collection[str], title: str) -> str | None:
    """Say what kind of apparatus a chapter is, None if it is text.

    Args:
        roles: `epub:type` words.
        title: of the chapter.
    """
    return _reason_by_role(roles) or _reason_by_title(title)


def classify(
    chapters: Sequence[RawChapter], title: str, authors: Sequence[str]
) -> Iterator[tuple[RawChapter, Place]]:
    """Pair every chapter with its place.

    A book of which nothing would be left keeps everything.

    Args:
        chapters: of the whole book, in order.
        title: of the book.
        authors: of the book.
    """
    sizes = [_num_words(chapter) for chapter in chapters]
    longest = max(MAX_WORDS_BY_TITLE, int(sum(sizes) * MAX_SHARE_BY_TITLE))
    reasons = [
        _reason_by_role(chapter.roles)
        or (_reason_by_title(chapter.title) if size <= longest else None)
        for chapter, size in zip(chapters, sizes, strict=True)
    ]
    if reasons and reasons[0] is None and _is_title_page(chapters[0], title, authors):
        reasons[0] = TITLE_PAGE
    if None not in reasons:
        reasons = [None] * len(reasons)
    places = _places([_hint(chapter) for chapter in chapters], reasons)
    yield from zip(chapters, places, strict=True)


def _reason_by_role(roles: Collection[str]) -> str | None:
    return next((ROLE_REASONS[role] for role in sorted(roles) if role in ROLE_REASONS), None)


def _reason_by_title(title: str) -> str | None:
    plain = _plain(title)
    if ADVERTISEMENTS.match(plain):
        return ADVERTISEMENT
    return TITLE_REASONS.get(plain)


def _hint(chapter: RawChapter) -> Matter | None:
    """Say where a chapter belongs by what it is, None if it may be anywhere."""
    roles, title = chapter.roles, _plain(chapter.title)
    if "frontmatter" in roles:
        return Matter.FRONT
    if "backmatter" in roles:
        return Matter.BACK
    if "bodymatter" in roles:
        return Matter.BODY
    if roles & FRONT_ROLES or FRONT_TITLES.match(title):
        return Matter.FRONT
    if roles & BACK_ROLES or BACK_TITLES.match(title):
        return Matter.BACK
    return None


def _places(hints: Sequence[Matter | None], reasons: Sequence[str | None]) -> list[Place]:
    """Put chapters before, in or after the body; within it, an introduction is body as well."""
    body = [
        index
        for index, (hint, reason) in enumerate(zip(hints, reasons, strict=True))
        if reason is None and hint in (None, Matter.BODY)
    ]
    first, last = (body[0], body[-1]) if body else (len(hints), len(hints))
    places: list[Place] = []
    for index, (hint, reason) in enumerate(zip(hints, reasons, strict=True)):
        if first <= index <= last:
            matter = Matter.BODY
        elif hint in (Matter.FRONT, Matter.BACK):
            matter = hint
        else:
            matter = Matter.FRONT if index < first else Matter.BACK
        places.append(Place(matter, reason))
    if not body:
        # All of it is preface and appendix: then these are the book.
        places = [
            replace(place, matter=Matter.BODY) if place.skip_reason is None else place
            for place in places
        ]
    return places


def _is_title_page(chapter: RawChapter, title: str, authors: Sequence[str]) -> bool:
    """Tell a page that begins with the book's title and holds little besides the author's name."""
    words = " ".join(block.text for block in chapter.blocks).casefold().split()
    if len(words) > MAX_TITLE_PAGE_WORDS or chapter.title_source == "toc":
        return False
    known = set(" ".join((title, *authors)).casefold().split()) | {"by", "the", "a", "of"}
    strange = [word for word in words if word.strip(".,:;") not in known]
    few = len(strange) <= max(2, len(words) // 2)
    return few and words[:1] == title.casefold().split()[:1]


def _num_words(chapter: RawChapter) -> int:
    return sum(len(block.text.split()) for block in chapter.blocks)


def _plain(title: str) -> str:
    return " ".join(title.replace("\u2019", "'").casefold().strip(" .:").split())
