"""Front, body or back, and whether a chapter is read.

Left out is only what is apparatus: title pages, contents, imprint, licence, notes, index.
Prefaces, dedications and appendices are the author's text and stay. What the file itself says
(`epub:type`) decides first, then the title; a long text under an innocent title always stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infini_cli.reading.book import Matter
from infini_cli.reading.raw import RawChapter

APPARATUS_ROLES = {
    "cover": "cover",
    "titlepage": "title page",
    "halftitlepage": "half title",
    "title-page": "title page",
    "imprint": "imprint",
    "copyright-page": "copyright page",
    "colophon": "colophon",
    "uncopyright": "copyright page",
    "toc": "table of contents",
    "loi": "list of illustrations",
    "lot": "list of tables",
    "landmarks": "table of contents",
    "page-list": "list of pages",
    "endnotes": "notes",
    "rearnotes": "notes",
    "footnotes": "notes",
    "index": "index",
    "pg-header": "licence",
    "pg-footer": "licence",
    "seriespage": "list of the series",
    "other-credits": "credits",
}
FRONT_ROLES = frozenset(
    {"frontmatter", "preface", "foreword", "introduction", "dedication", "epigraph", "preamble"}
    | {"cover", "titlepage", "halftitlepage", "title-page", "imprint", "copyright-page", "toc"}
    | {"acknowledgments", "acknowledgements"}
)
BACK_ROLES = frozenset(
    {"backmatter", "afterword", "appendix", "glossary", "bibliography", "endnotes", "rearnotes"}
    | {"colophon", "uncopyright", "loi", "index", "conclusion"}
) - {"conclusion"}

APPARATUS_TITLES = {
    "cover": "cover",
    "title page": "title page",
    "titlepage": "title page",
    "half title": "half title",
    "half title page": "half title",
    "contents": "table of contents",
    "table of contents": "table of contents",
    "illustrations": "list of illustrations",
    "list of illustrations": "list of illustrations",
    "copyright": "copyright page",
    "copyright page": "copyright page",
    "copyright notice": "copyright page",
    "uncopyright": "copyright page",
    "imprint": "imprint",
    "colophon": "colophon",
    "notes": "notes",
    "endnotes": "notes",
    "footnotes": "notes",
    "index": "index",
    "transcriber's note": "transcriber's note",
    "transcriber's notes": "transcriber's note",
    "transcriber notes": "transcriber's note",
    "the full project gutenberg license": "licence",
    "project gutenberg license": "licence",
}
FRONT_TITLES = re.compile(
    r"^(?:(?:author|translator|editor|publisher)(?:'s|s')? )?"
    r"(?:preface|foreword|introduction|introductory note|dedication|epigraph|acknowledge?ments)\b",
    re.IGNORECASE,
)
BACK_TITLES = re.compile(
    r"^(?:appendix|afterword|glossary|bibliography|about the author)\b", re.IGNORECASE
)
LONGEST_TITLE_PAGE = 60
"""Words of the longest title page; a longer opening is text."""
LONGEST_UNSAID_NOTES = 3000
"""A chapter is not left out for its title alone if it has more words than this."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chapter belongs, and why it is left out, if it is."""

    matter: Matter
    skip_reason: str | None = None


def classify(
    chapters: Sequence[RawChapter], title: str, authors: Sequence[str]
) -> Iterator[tuple[RawChapter, Place]]:
    """Pair every chapter with its place.

    A book of which nothing would be left keeps everything.
    """
    places = [_place(chapter) for chapter in chapters]
    if chapters and _is_title_page(chapters[0], title, authors) and len(chapters) > 1:
        places[0] = Place(Matter.FRONT, "title page")
    if all(place.skip_reason is not None for place in places):
        places = [Place(place.matter) for place in places]
    yield from zip(chapters, _in_order(chapters, places), strict=True)


def _place(chapter: RawChapter) -> Place:
    for role in sorted(chapter.roles & APPARATUS_ROLES.keys()):
        front = role in FRONT_ROLES or role in ("cover", "pg-header")
        return Place(Matter.FRONT if front else Matter.BACK, APPARATUS_ROLES[role])
    plain = " ".join(chapter.title.replace("’", "'").lower().strip(" .:").split())
    num_words = sum(len(block.text.split()) for block in chapter.blocks)
    if plain in APPARATUS_TITLES and num_words <= LONGEST_UNSAID_NOTES:
        reason = APPARATUS_TITLES[plain]
        back = reason in ("notes", "index", "colophon", "licence", "transcriber's note")
        return Place(Matter.BACK if back else Matter.FRONT, reason)
    if chapter.roles & FRONT_ROLES or FRONT_TITLES.match(plain):
        return Place(Matter.FRONT)
    if chapter.roles & BACK_ROLES or BACK_TITLES.match(plain):
        return Place(Matter.BACK)
    return Place(Matter.BODY)


def _in_order(chapters: Sequence[RawChapter], places: Sequence[Place]) -> list[Place]:
    """Call an introduction in the middle of the body body: each part may have its own."""
    body = [
        index
        for index, place in enumerate(places)
        if place.matter is Matter.BODY and place.skip_reason is None
    ]
    if not body:
        return list(places)
    first, last = body[0], body[-1]
    ordered = []
    for index, place in enumerate(places):
        if place.skip_reason is None and first < index < last:
            place = Place(Matter.BODY)
        ordered.append(place)
    return ordered


def _is_title_page(chapter: RawChapter, title: str, authors: Sequence[str]) -> bool:
    """Tell a page that holds little besides the title and the author's name."""
    words = " ".join(block.text for block in chapter.blocks).lower().split()
    if len(words) > LONGEST_TITLE_PAGE or chapter.title_source == "toc":
        return False
    known = set(" ".join((title, *authors)).lower().split()) | {"by", "the", "a", "of"}
    strange = [word for word in words if word.strip(".,:;") not in known]
    return len(strange) <= max(2, len(words) // 2) and words[:1] == title.lower().split()[:1]
