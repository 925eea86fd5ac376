"""Chapters with a narrator: told from letters and plays, and the same when the book grows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infini_cli.grounding.book_sentences import sentences_of
from infini_cli.reading.book import Block, BlockKind, Book
from infini_cli.tasks.narrated import Narrated, narrated_chapters, narrated_places
from tests.tokens.build import build_book

OWN = "I rowed out to the lamp and lit it with my last match. "
OTHER = "He rowed out to the lamp and lit it with the last match. "
SAID = "\u201cI rowed out to the lamp myself,\u201d said the old man to the pilot. "


def chapters(*texts: str) -> Book:
    return build_book([[f"# {n}", text] for n, text in enumerate(texts, 1)])


def narrated(book: Book) -> set[str]:
    return set(narrated_chapters(book.kept_chapters))


def test_a_narrator_tells_a_good_part_of_the_book() -> None:
    assert narrated(chapters(OWN * 12, OTHER * 12, OWN * 12)) == {"1", "3"}
    # A letter in a story, though long, has its own writer.
    letter = [OTHER * 12] * 6
    letter[4] = OWN * 12
    assert narrated(chapters(*letter)) == set()
    assert narrated(chapters(SAID * 20)) == set()


def test_a_book_that_grows_keeps_its_narrator() -> None:
    texts = [OTHER * 12, OWN * 12, *[OTHER * 12] * 6, OWN * 12]
    whole = narrated(chapters(*texts))
    assert whole == {"2"}
    for num in range(1, len(texts)):
        assert narrated(chapters(*texts[:num])) == {label for label in whole if int(label) <= num}


def test_verse_and_plays_have_none() -> None:
    def as_kind(block: Block) -> Block:
        return replace(block, kind=BlockKind.VERSE)

    book = chapters(OWN * 12)
    (chapter,) = book.chapters
    verse = replace(chapter, blocks=tuple(map(as_kind, chapter.blocks)))
    assert narrated(replace(book, chapters=(verse,))) == set()
    for speaker in ("HORATIO. ", "Horatio\n", "FIRST CLOWN: "):
        turns = "\n\n".join((speaker + OWN, "Ghost\nMark me.", speaker + OTHER) * 8)
        assert narrated(chapters(turns)) == set(), speaker


def test_what_a_narrator_tells_of_himself() -> None:
    book = chapters(
        f"{OWN * 12}Would I row? We sank, and I told you. He sank. {SAID}My lamp went out.", SAID
    )
    sentences = sentences_of(book.kept_chapters)
    places = narrated_places(sentences, narrated_chapters(book.kept_chapters))
    found = [one.text for one in sentences if one.place[0] in places]
    assert found == [*[OWN.strip()] * 12, "My lamp went out."]
    assert narrated_places(sentences, {"2": Narrated()}) == frozenset()


def test_a_paragraph_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    book = chapters(f"{OWN * 50}\n\n{OTHER * 50}")
    found = narrated_chapters(book.kept_chapters)
    seen: list[str] = []
    told = Narrated.told
    monkeypatch.setattr(Narrated, "told", lambda self, text: seen.append(text) or told(self, text))
    sentences = sentences_of(book.kept_chapters)
    assert len(narrated_places(sentences, found)) == 50
    assert len(seen) == len({id(one.block) for one in sentences}) <= 2


def test_a_tale_is_told_in_quotation_marks() -> None:
    tale = "\n\n".join([f"\u201c{OWN}"] * 12 + ["\u201c\u2018I sank,\u2019 he said, and I rowed."])
    book = chapters(f"He began:\n\n{tale}\u201d\n\nHe was silent, and none spoke.", SAID * 12)
    found = narrated_chapters(book.kept_chapters)
    assert found == {"1": Narrated(is_tale=True)}
    sentences = sentences_of(book.kept_chapters)
    places = narrated_places(sentences, found)
    assert {one.text for one in sentences if one.place[0] in places} == {f"\u201c{OWN}".strip()}
    assert found["1"].told(tale).count("I") == 13
    assert len(found["1"].told(tale)) == len(tale)
