"""tokens and memory on a tiny model: plans, and what is kept of books that were read."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from infini_cli import paths
from tests.commands.run import Infini
from tests.tasks.tiny import build_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def kept(infini: Infini, model: Path, book: Path) -> Path:
    """The memory of a book that was read."""
    outcome = infini("ask", book, "who?", "--memory-only", "-m", model, "-q")
    assert outcome.code == 0
    (path,) = paths.memories_dir().iterdir()
    return path


def test_tokens_are_counted_by_chapter(infini: Infini, model: Path, book: Path) -> None:
    lines = infini("tokens", book, "-m", model, "--segment-length", 100).out.splitlines()
    assert lines[0].split() == ["chapter", "tokens", "segments", "title"]
    assert lines[-1].endswith("in all")
    counts = [int(line.split()[1].replace(",", "")) for line in lines[1:-1] if "Chapter" in line]
    assert len(counts) == 3
    assert sum(counts) <= int(lines[-1].split()[0].replace(",", ""))


def test_the_plan_is_the_models_own(infini: Infini, model: Path, book: Path) -> None:
    own = json.loads(infini("tokens", book, "-m", model, "--json").out)
    short = json.loads(infini("tokens", book, "-m", model, "--segment-length", 50, "--json").out)
    assert own["segment_length"] == 1024
    assert short["num_tokens"] == own["num_tokens"]
    assert short["num_segments"] >= own["num_tokens"] / 50 > own["num_segments"]
    assert sum(chapter["num_tokens"] for chapter in own["chapters"]) == own["num_tokens"]


def test_a_kept_memory_is_listed_and_shown(infini: Infini, kept: Path) -> None:
    (listed,) = json.loads(infini("memory", "list", "--json").out)["memories"]
    assert listed["title"] == "A Small Book"
    assert listed["percent_read"] == 100
    assert listed["num_bytes"] == kept.stat().st_size
    assert kept.stem[:12] in infini("memory", "list").out
    shown = infini("memory", "show", kept.stem[:6])
    assert "title: A Small Book" in shown.out.splitlines()
    assert "checkpoint: " in shown.out
    assert json.loads(infini("memory", "show", kept, "--json").out)["identity"]["model"] == "tiny"


def test_a_memory_is_removed_by_name(infini: Infini, kept: Path) -> None:
    unknown = infini("memory", "rm", "0000000", "--yes")
    assert unknown.err.startswith("error: no book memory named `0000000`")
    assert unknown.code == 3
    outcome = infini("memory", "rm", kept.stem, "--yes", "--json")
    assert json.loads(outcome.out)["removed"] == [kept.stem]
    assert not kept.exists()


def test_no_other_file_is_removed(infini: Infini, kept: Path, tmp_path: Path) -> None:
    notes, copy = tmp_path / "notes.txt", tmp_path / "copy.infmem"
    notes.write_text("mine")
    copy.write_bytes(kept.read_bytes())
    refused = infini("memory", "rm", notes, kept.stem, "--yes")
    assert refused.code == 3
    assert "hint:" in refused.err
    assert notes.exists()
    assert kept.exists()
    # What infini keeps itself goes even when it is damaged; twice named is once removed.
    kept.write_bytes(b"damaged")
    assert "removed 2" in infini("memory", "rm", copy, kept, kept.stem, "--yes").err
    assert not copy.exists()
    assert not kept.exists()


def test_only_old_memories_are_pruned(infini: Infini, kept: Path) -> None:
    infini("memory", "prune", "--yes")
    assert kept.exists()
    old = time.time() - 31 * 24 * 3600
    os.utime(kept, (old, old))
    assert "removed 1" in infini("memory", "prune", "--yes").err
    assert not kept.exists()
