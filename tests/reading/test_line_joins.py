from __future__ import annotations

import pytest

from infini_cli.reading.line_joins import Joiner


@pytest.mark.parametrize(
    ("book", "lines", "expected"),
    [
        ("the window was open", ["the win-", "dow"], "the window"),
        ("nothing like it", ["a well-", "known man"], "a well-known man"),
        ("wellknown once, well-known and well-known", ["a well-", "known man"], "a well-known man"),
        ("the window", ["the win\u00ad", "dow"], "the window"),
        ("nothing", ["pre-", "and post-war"], "pre- and post-war"),
        ("nothing", ["he said -", "then left"], "he said - then left"),
        ("one\u2014two three\u2014four", ["he came\u2014", "and left"], "he came\u2014and left"),
        ("one\u2014 two three\u2014 four", ["he came\u2014", "and left"], "he came\u2014 and left"),
        ("nothing", ["in", "torrents"], "in torrents"),
        ("nothing", [], ""),
    ],
)
def test_lines_are_joined_as_the_book_writes(book: str, lines: list[str], expected: str) -> None:
    assert Joiner.learn([*book.splitlines(), *lines]).join(lines) == expected


def test_dropped_hyphens_are_counted() -> None:
    joiner = Joiner.learn(["a window", "a win-", "dow"])
    joiner.join(["a win-", "dow"])
    assert joiner.num_hyphens == 1
