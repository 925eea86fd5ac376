from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.reading.book import BlockKind
from infini_cli.reading.text_layout import split_paragraphs

PROSE = (
    "It was the week before the fair, and the town had been painted twice, once by the "
    "people and once by the rain, which took most of it off again and left it in the gutters."
)
POEM = [
    "Grey goose, grey gander,",
    "Waft your wings together,",
    "And carry the good king\u2019s daughter",
    "Over the river.",
]


@pytest.mark.parametrize("width", [50, 65, 72, 100])
def test_wrapped_prose_is_unwrapped_and_verse_is_kept(width: int) -> None:
    text = "\n\n".join(
        [textwrap.fill(PROSE, width), "\n".join(POEM), textwrap.fill(PROSE, width)] * 3
    )
    paragraphs = split_paragraphs(text)
    assert [p.text for p in paragraphs] == [PROSE, "\n".join(POEM), PROSE] * 3
    assert [p.kind for p in paragraphs[:2]] == [BlockKind.PARAGRAPH, BlockKind.VERSE]


def test_unwrapped_lines_are_paragraphs_of_their_own() -> None:
    assert [p.text for p in split_paragraphs("\n".join([PROSE] * 4))] == [PROSE] * 4


def test_indented_first_lines_begin_paragraphs() -> None:
    text = "\n".join(textwrap.fill("    " + PROSE, 60) for _ in range(4))
    assert [p.text for p in split_paragraphs(text)] == [PROSE] * 4


def test_separators_form_feeds_and_soft_hyphens() -> None:
    paragraphs = split_paragraphs("One win\u00addow.\n\n* * *\n\f\nTwo.\n")
    assert [(p.kind, p.text) for p in paragraphs] == [
        (BlockKind.PARAGRAPH, "One window."),
        (BlockKind.SEPARATOR, "* * *"),
        (BlockKind.PARAGRAPH, "Two."),
    ]


@given(st.text(st.sampled_from("aB .\n\t\f-\u2014\u201c")))
def test_no_letter_is_lost_or_moved(text: str) -> None:
    letters = [c for c in "".join(p.text for p in split_paragraphs(text)) if c.isalpha()]
    assert letters == [c for c in text if c.isalpha()]
