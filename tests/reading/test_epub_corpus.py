"""Real EPUBs: whole books against their true text and chapters, and the odd ones of test suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from infini_cli.errors import DamagedInput, InputError, NoTextInput, ProtectedInput
from infini_cli.reading import read_book
from tests.reading.chapter_score import score_book

pytestmark = pytest.mark.corpus

NUM_BOOKS = 22
NUM_SAMPLES = 103
UNREADABLE: dict[str, type[InputError]] = {
    # Nothing in the archive, no package, a spine of what is not there.
    "epub3__ocf-zip-unreadable-empty-fatal": NoTextInput,
    "epub2__ocf-opf-missing-fatal": DamagedInput,
    "epub3__ocf-package-document-missing-fatal": DamagedInput,
    "misc__20-severity-tester": DamagedInput,
    # Pictures, or a frame around a page that is not in the spine.
    "epub2__opf-manifest-item-missing-error": NoTextInput,
    "epub3__content-svg-in-spine-valid": NoTextInput,
    "epub3__content-xhtml-iframe-basic-valid": NoTextInput,
    "epub3__fallback-chain-waterfall-valid": NoTextInput,
    "epub3__resources-remote-svg-contentdoc-error": NoTextInput,
    "svg-in-spine": NoTextInput,
    "cnt-svg-support": NoTextInput,
    # Its chapter is encrypted.
    "epub3__ocf-encryption-unknown-valid": ProtectedInput,
}
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


def outcome(path: Path) -> bool | type[InputError]:
    """Tell whether a file gives words, or which error it ends in."""
    try:
        return read_book(path).num_words > 0
    except InputError as error:
        return type(error)


def test_odd_and_damaged_files(corpus: Path) -> None:
    paths = sorted((corpus / "epub-samples").glob("**/*.epub"))
    assert len(paths) == NUM_SAMPLES
    outcomes = {path.stem: outcome(path) for path in paths}
    assert outcomes == {path.stem: UNREADABLE.get(path.stem, True) for path in paths}
