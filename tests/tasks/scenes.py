"""A book of scenes, one a chapter, and a note on each that its chapter bears."""

from __future__ import annotations

from infini_cli.reading.book import Book
from infini_cli.store.book_memory import Note
from tests.tokens.build import build_book

PLACES = ("quay", "tower", "mill", "chapel", "market", "harbour", "bridge", "cellar")
THINGS = ("lantern", "anchor", "ledger", "barrel", "compass", "blanket", "whistle", "saddle")


def told(number: int) -> str:
    place, thing = PLACES[number % 8], THINGS[number // 8 % 8]
    return f"Keeper{number} hides the {thing} under the stairs of the {place} at midnight."


def small_book(num_scenes: int) -> Book:
    filler = "The wind blew over the water and nothing moved that day. " * 6
    return build_book(
        [[f"# Part {n}", f"{told(n)} {filler}", filler] for n in range(1, num_scenes + 1)]
    )


def notes_on(book: Book) -> list[Note]:
    return [
        Note(
            index,
            chapter.label,
            chapter.title,
            told(int(chapter.label)),
            1.0,
            chapter.blocks[0].start,
            chapter.blocks[-1].end,
        )
        for index, chapter in enumerate(book.chapters)
    ]
