"""The licence of Project Gutenberg, and texts that only look as if they had it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.encoding import decode
from infini_cli.reading.gutenberg import MIN_CAP_CHARACTERS, strip_licence, strip_licence_blocks
from infini_cli.reading.raw import RawBlock, RawChapter

START = "*** START OF THE PROJECT GUTENBERG EBOOK RAIN ***"
END = "*** END OF THE PROJECT GUTENBERG EBOOK RAIN ***"
HEADER = "The Project Gutenberg eBook of Rain\n\nTitle: Rain\n\nAuthor: Ann Author\n      and Bob\n"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, END),
        (START.replace("THE PROJECT", "THIS PROJECT"), "End of Project Gutenberg's Rain, by Ann"),
        ("***START OF THE PROJECT GUTENBERG EBOOK RAIN***", "End of the Project Gutenberg EBook"),
        ("*** START OF THE PROJECT GUTENBERG EBOOK\nRAIN, BY ANN ***", END),
    ],
)
def test_the_markers_of_all_times(start: str, end: str) -> None:
    stripped = strip_licence(f"{HEADER}\n{start}\n\nIt rained.\n\n{end}\n\nLicence words.\n")
    assert stripped.text.strip() == "It rained."
    assert (stripped.title, stripped.authors) == ("Rain", ("Ann Author and Bob",))
    (removal,) = stripped.removals
    assert (removal.what, removal.count) == ("licence", 2)


def test_the_language_of_the_header() -> None:
    assert strip_licence(f"Language: French\n{START}\nIl pleut.\n").language == "fr"
    assert strip_licence(f"Language: Klingon\n{START}\nIl pleut.\n").language is None


@pytest.mark.parametrize(
    "text",
    [
        "It rained.\n",
        f"A story about {START} in a line.\n",
        f"{START}\n",
        f"{'word ' * MIN_CAP_CHARACTERS}\n{START}\n{'word ' * MIN_CAP_CHARACTERS}",
        f"Words.\n{END}\n{'word ' * MIN_CAP_CHARACTERS}",
    ],
)
def test_what_is_no_licence_stays(text: str) -> None:
    stripped = strip_licence(text)
    assert (stripped.text, stripped.removals) == (text, ())


def chapter(title: str, *texts: str) -> RawChapter:
    blocks = tuple(RawBlock(BlockKind.PARAGRAPH, text) for text in texts)
    return RawChapter(title, "toc", blocks)


def test_blocks() -> None:
    stripped = strip_licence_blocks(
        (
            chapter("Header", "The eBook of Rain"),
            chapter("One", "more header", START, "It rained."),
            chapter("Two", "It rained again.", END, "licence"),
            chapter("THE FULL LICENCE", "words words"),
        )
    )
    assert [[block.text for block in found.blocks] for found in stripped.chapters] == [
        ["It rained."],
        ["It rained again."],
    ]
    header, footer = f"The eBook of Rain more header {START}", f"{END} licence words words"
    num_words = len(header.split()) + len(footer.split())
    assert stripped.removals == (Removal("licence", 2, num_words),)


@pytest.mark.parametrize(
    "chapters",
    [
        (chapter("One", "It rained."),),
        (chapter("One", START),),
        (chapter("One", START, END),),
        (chapter("One", "word " * 9000, START, "word " * 9000),),
        (chapter("One", "word " * 9000, END, "word " * 9000),),
        (),
    ],
)
def test_blocks_that_stay(chapters: tuple[RawChapter, ...]) -> None:
    stripped = strip_licence_blocks(chapters)
    assert (stripped.chapters, stripped.removals) == (chapters, ())


@pytest.mark.corpus
def test_real_texts(corpus: Path) -> None:
    paths = sorted(corpus.glob("gutenberg-raw/**/*.txt"))
    assert paths
    for path in paths:
        text = decode(path.read_bytes()).text
        stripped = strip_licence(text)
        assert stripped.title is not None, path
        assert "Gutenberg" not in stripped.text[:2000], path
        assert "subscribe to our email newsletter" not in stripped.text, path
        assert len(stripped.text) > 0.85 * len(text) - MIN_CAP_CHARACTERS, path
