"""Real EPUBs: whole books against their true text and chapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reading.chapter_score import score_book

pytestmark = pytest.mark.corpus

NUM_BOOKS = 22
ANCHORED = "walt-whitman_leaves-of-grass"
"""Four of its files hold two poems each, as the contents say; the true list has one a file."""


def test_whole_books(corpus: Path) -> None:
    books = corpus / "books"
    scores = [score_book(books, path.stem) for path in sorted((books / "epub").glob("*.epub"))]
    assert len(scores) == NUM_BOOKS
    for score in scores:
        assert score.same_text, score.name
        assert abs(score.difference) < 0.01, score.name
        if score.name != ANCHORED:
            assert (score.precision, score.recall) == (1, 1), score.name
    right = sum(score.num_right for score in scores)
    assert right / sum(score.num_chapters for score in scores) > 0.99
    assert right / sum(score.num_true for score in scores) > 0.99
