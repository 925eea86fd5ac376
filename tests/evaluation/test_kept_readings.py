"""A measurement that was stopped within a prompt goes on there and finds the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from infini_cli.errors import UsageError
from infini_cli.evaluation import kept_readings, retrieval
from infini_cli.evaluation.groups import passkey_groups
from infini_cli.evaluation.haystack import TextHaystack
from infini_cli.evaluation.kept_readings import KeptReadings
from infini_cli.evaluation.ledger import Ledger
from infini_cli.evaluation.reads import Reads
from infini_cli.evaluation.retrieval import Cell, evaluate_retrieval
from infini_cli.progress import Event, Progress, silent
from infini_cli.tasks.model import Model
from tests.tasks.conftest import open_folder as open_folder
from tests.tasks.conftest import remembering as remembering


class Stop(Exception):
    """Whatever ends a run."""


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_readings, "SECONDS_BETWEEN_SAVES", 0)
    monkeypatch.setattr(kept_readings, "SECONDS_WORTH_KEEPING", 0)
    # What two prompts have in common is read for each: then reads can be counted.
    monkeypatch.setattr(retrieval, "Reads", partial(Reads, capacity=1))


def measure(model: Model, ledger: Path | None, progress: Progress = silent) -> list[Cell]:
    tokenizer = model.tokenizer
    text = "\n\n".join(f"The boat {n} sailed by." for n in range(200))
    groups = passkey_groups(
        tokenizer,
        TextHaystack([text], tokenizer),
        lengths=[900],
        depths=[0.0, 0.5],
        num_samples=2,
        num_facts=1,
        seed=0,
    )
    kept = KeptReadings(ledger, model)
    known = Ledger(ledger, Cell)
    cells = evaluate_retrieval(model, groups, progress, controls=True, ledger=known, kept=kept)
    return [replace(cell, seconds=0) for cell in cells]


@pytest.fixture
def segments(remembering: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the segments that the model writes to its memory."""
    read: list[int] = []
    read_segment = remembering.decoder.read_segment

    def watched(ids, memory, **rest):  # type: ignore[no-untyped-def]
        if rest.get("memory_only"):
            read.append(ids.shape[1])
        return read_segment(ids, memory, **rest)

    monkeypatch.setattr(remembering.decoder, "read_segment", watched)
    return read


def stopped_after(num_windows: int) -> Progress:
    left = iter(range(num_windows))

    def progress(event: Event) -> None:
        if next(left, None) is None:
            raise Stop

    return progress


@pytest.mark.parametrize("num_windows", [0, 1, 4, 11])
def test_what_was_read_is_not_read_again(
    remembering: Model, tmp_path: Path, segments: list[int], num_windows: int
) -> None:
    whole = measure(remembering, None)
    num_whole = len(segments)
    ledger = tmp_path / "found" / "ledger.jsonl"
    with pytest.raises(Stop):
        measure(remembering, ledger, stopped_after(num_windows))
    assert measure(remembering, ledger) == whole
    # The window that was being told of had been read and kept.
    assert len(segments) == 2 * num_whole
    assert list(ledger.parent.iterdir()) == [ledger]


def test_a_file_that_says_nothing_is_passed_over(
    remembering: Model, tmp_path: Path, segments: list[int]
) -> None:
    whole, num_whole = measure(remembering, None), len(segments)
    ledger = tmp_path / "ledger.jsonl"
    folder = tmp_path / "ledger.jsonl.reading"

    def spoilt(content: bytes) -> Iterator[bytes]:
        yield b""
        yield content[: len(content) // 2]
        for entry in (b'num_read\\": 3', b'num_read\\": -', b'num_riad\\": 3', b'kez\\": 3'):
            name = b"key" if entry.startswith(b"kez") else b"num_read"
            assert name + b'\\": ' in content
            yield content.replace(name + b'\\": ', entry, 1)

    with pytest.raises(Stop):
        measure(remembering, ledger, stopped_after(2))
    (path,) = folder.iterdir()
    good = path.read_bytes()
    assert all(content != good for content in spoilt(good))
    for content in spoilt(good):
        segments.clear()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        ledger.unlink(missing_ok=True)
        assert measure(remembering, ledger) == whole
        assert len(segments) == num_whole
        assert not folder.exists()


def test_other_settings_read_for_themselves(
    remembering: Model, tmp_path: Path, segments: list[int]
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with pytest.raises(Stop):
        measure(remembering, ledger, stopped_after(3))
    segments.clear()
    other = replace(remembering, segment_length=remembering.segment_length - 8)
    measure(other, ledger)
    num_other = len(segments)
    measure(other, None)
    assert len(segments) == 2 * num_other
    folder = tmp_path / "ledger.jsonl.reading"
    # The file of the run that was stopped is still there for it.
    assert len(list(folder.iterdir())) == 1


def test_where_nothing_can_be_written_it_says_so(remembering: Model, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl.reading").write_text(json.dumps("in the way"))
    with pytest.raises(UsageError, match="cannot write"):
        measure(remembering, tmp_path / "ledger.jsonl")
