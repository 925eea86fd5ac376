"""What becomes of a text that was cut at its limit, and how fast writing is said to be."""

from __future__ import annotations

from itertools import count

import pytest

from infini_cli.language.sentences import split_sentences
from infini_cli.progress import Event, Write
from infini_cli.tasks import writer
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest
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


def test_the_rate_is_that_of_writing_not_of_reading_what_to_write_on(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))
    told: list[Event] = []
    writer.write_prompts(
        tiny,
        ["salt"],
        max_tokens=4,
        sampling=SamplingRequest(),
        progress=told.append,
        what="summary",
    )
    first, *_, last = (event for event in told if isinstance(event, Write))
    assert (first.tokens, first.tokens_per_second) == (1, 0.0)
    assert last.tokens > 1
    assert 0 < last.tokens_per_second < last.tokens
