"""What prompts begin with is read once, and what is written after it is the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infini_cli.progress import silent
from infini_cli.tasks import beginnings
from infini_cli.tasks.beginnings import read_prompts
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.writer import prompt_ids, write_prompts
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import tiny as tiny
from tests.tasks.conftest import tiny_folder as tiny_folder

NOTES = "The keeper of the island wrote a name in the book, and the ship came in at dawn. " * 3
PROMPTS = [
    NOTES + "Who wrote?",
    NOTES + "What came in, and when did it come?",
    NOTES + "Where?",
    "Of something else that happened elsewhere, who was there and why? " * 4,
]


@pytest.fixture
def segments(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each segment has that the model reads."""
    seen: list[int] = []
    read_segment = tiny.decoder.read_segment

    def watched(ids_BS: Any, *rest: Any, **named: Any) -> Any:
        seen.append(ids_BS.shape[1])
        return read_segment(ids_BS, *rest, **named)

    monkeypatch.setattr(tiny.decoder, "read_segment", watched)
    return seen


def test_what_prompts_share_is_read_once(tiny: Model, segments: list[int]) -> None:
    ids = [prompt_ids(tiny, prompt) for prompt in PROMPTS]
    branches = read_prompts(tiny, ids, [5, 6, 7, 8])
    shared, alone = segments
    assert branches[0].cache is branches[1].cache is branches[2].cache
    assert alone == len(ids[3]) - 1
    assert all(
        list(branch.prompt) == row[shared:] for branch, row in zip(branches, ids[:3], strict=False)
    )
    assert 0.9 * len(ids[2]) < shared < len(ids[2])
    assert [branch.max_tokens for branch in branches] == [5, 6, 7, 8]
    assert [branch.stream for branch in branches] == [0, 1, 2, 3]


def test_what_is_written_is_the_same(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> list[str]:
        asked = {"sampling": SamplingRequest(), "progress": silent, "what": "answers"}
        drafts = write_prompts(tiny, PROMPTS, max_tokens=[8, 12, 8, 12], **asked)
        return [draft.text for draft in drafts]

    together = write()
    monkeypatch.setattr(beginnings, "SHARED_SHARE", 2.0)
    assert write() == together
    assert len(set(together)) > 1


@given(some.lists(some.lists(some.integers(0, 2), min_size=1, max_size=9), max_size=9))
def test_runs_are_all_prompts_and_share_what_they_say(prompts: list[list[int]]) -> None:
    runs = beginnings._alike(prompts)
    assert [index for start, end, _ in runs for index in range(start, end)] == list(
        range(len(prompts))
    )
    for start, end, shared in runs:
        run = prompts[start:end]
        assert all(prompt[:shared] == run[0][:shared] for prompt in run)
        assert all(shared < len(prompt) for prompt in run)
        if len(run) > 1:
            assert all(2 * shared >= len(prompt) for prompt in run)
