"""What becomes of a text that was cut at its limit."""

from __future__ import annotations

import pytest

from infini_cli.language.sentences import split_sentences
from infini_cli.tasks.writer import _finished


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("The boat sails. It reaches the isl", "The boat sails."),
        ("One. Two. Thr", "One. Two."),
        (
            "The boat sails out, reaches the island, and the pil",
            "The boat sails out, reaches the island.",
        ),
        (
            "The boat, which sails out every single morning and the pil",
            "The boat, which sails out every single morning and the pil",
        ),
        ("The boat, which sails every morning", "The boat, which sails every morning"),
        ("The boat", "The boat"),
        ("", ""),
    ],
)
def test_a_cut_text_ends_at_a_sentence_or_a_clause(written: str, kept: str) -> None:
    assert _finished(written, split_sentences(written)) == kept
