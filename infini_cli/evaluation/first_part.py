"""The first part of a book, as whoever stopped reading there has it."""

from __future__ import annotations

from dataclasses import replace

from infini_cli.reading.book import Block, Book


def first_part(book: Book, share: float) -> Book:
    """Give a book that ends after a share of the words that are read.

    It ends with a whole block; nothing after that is left, not even as a chapter left out.

    Args:
        book: as it was read.
        share: of its words, above 0; with 1 all of it.
    """
    if share >= 1:
        return book
    room = share * book.num_words
    chapters = []
    has_text = False
    for chapter in book.chapters:
        if not chapter.kept:
            chapters.append(chapter)
            continue
        blocks: list[Block] = []
        for block in chapter.blocks:
            room -= len(block.text.split())
            # However short the part, there is something to read.
            if room < 0 and has_text:
                return replace(book, chapters=(*chapters, replace(chapter, blocks=tuple(blocks))))
            blocks.append(block)
            has_text |= bool(block.text.strip())
        chapters.append(chapter)
    return replace(book, chapters=tuple(chapters))
