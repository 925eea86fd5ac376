"""Figures: drawn from the JSON forms, readable as what their names say, the same twice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from infini_cli.errors import UsageError
from infini_cli.ui.plots import plot_cells, plot_predictions, plot_training
from tests.ui.drawn import words

CELLS = [
    {
        "condition": condition,
        "task": "passkey",
        "length": length,
        "depth": depth,
        "token_accuracy": accuracy,
    }
    for condition, accuracy in (("memory", 0.987), ("memory off", 0.123))
    for length in (4096, 1 << 20, 1000)
    for depth in (0.0, 0.25, 1.0)
]
PREDICTIONS = [
    {"condition": condition, "segment_length": 512, "by_position": [21.0, 19.0, value]}
    for condition, value in (("memory", 15.0), ("memory off", 18.5))
    for _ in range(2)
]
STEPS = [
    {
        "step": step,
        "loss": 3.0 / step,
        "token_accuracy": 0.5,
        "mean_rate": 0.25,
        "memory_norm": 40.0,
    }
    for step in range(1, 121)
]


def test_accuracy_by_length_and_depth(tmp_path: Path) -> None:
    path = tmp_path / "cells.svg"
    plot_cells(CELLS, path)
    said = words(path).split()
    for word in ("memory", "off", "4K", "1M", "1,000", "start", "end", "0.25"):
        assert word in said, word
    assert said.count("99") == 9
    assert said.count("12") == 9
    first = path.read_bytes()
    tasks = [{**cell, "depth": None, "task": "qa7"} for cell in CELLS[:1]]
    plot_cells(tasks, tmp_path / "tasks.svg")
    assert "qa7" in words(tmp_path / "tasks.svg")
    plot_cells(CELLS, path)
    assert path.read_bytes() == first


def test_perplexity_and_training(tmp_path: Path) -> None:
    plot_predictions(PREDICTIONS, tmp_path / "a.svg")
    assert "memory off, segments of 512" in words(tmp_path / "a.svg")
    plot_training(STEPS, tmp_path / "b.svg")
    assert "tokens written, %" in words(tmp_path / "b.svg")


def test_a_run_shows_the_measures_that_its_log_has(tmp_path: Path) -> None:
    taught = [
        {"step": step, "loss": 1.0, "token_accuracy": 0.5, "held_out_loss": held_out}
        for step, held_out in ((1, None), (2, 0.7), (3, None), (4, 0.5))
    ]
    plot_training(taught, tmp_path / "a.svg")
    assert "held out" in words(tmp_path / "a.svg")
    assert "written" not in words(tmp_path / "a.svg")
    plot_training([{"step": 1, "correlation": None}], tmp_path / "b.svg")
    assert "correlation" in words(tmp_path / "b.svg")


def test_kinds_of_files(tmp_path: Path) -> None:
    for name, start in (("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")):
        plot_training(STEPS, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(UsageError, match="no figure") as caught:
        plot_training(STEPS, tmp_path / "a.jpg")
    assert caught.value.hint is not None
    with pytest.raises(UsageError, match="cannot write"):
        plot_training(STEPS, tmp_path / "a.png" / "b.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PDF", "a.png", "a.svg"]


def test_without_matplotlib_there_is_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules: dict[str, Any] = {"matplotlib": None, "matplotlib.figure": None}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(UsageError, match="need matplotlib") as caught:
        plot_cells(CELLS, tmp_path / "a.svg")
    assert caught.value.hint == "pip install 'infini-cli[plot]'"
