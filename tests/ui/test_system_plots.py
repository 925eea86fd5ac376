"""Figures of systems: bars side by side, or curves over what was read; the same twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infini_cli.ui.system_plots import plot_systems
from tests.ui.drawn import words


def test_systems_side_by_side(tmp_path: Path) -> None:
    figure = {"mean": 0.5, "low": 0.4, "high": 0.6, "num_items": 9}
    alone = {"mean": 0.0, "low": None, "high": None, "num_items": 1}
    systems = [
        {"system": "memory", "share": 1.0, "figures": {"f1": figure, "other": figure}},
        {"system": "base", "share": 1.0, "figures": {"f1": alone}},
    ]
    path = tmp_path / "systems.svg"
    plot_systems(systems, {"rouge1": "ROUGE-1", "f1": "F1"}, path)
    said = words(path)
    assert "F1, %" in said
    assert "ROUGE" not in said
    assert said.split().count("memory") == said.split().count("base") == 1
    first = path.read_bytes()
    plot_systems(systems, {"rouge1": "ROUGE-1", "f1": "F1"}, path)
    assert path.read_bytes() == first


def test_curves_over_what_was_read(tmp_path: Path) -> None:
    def system(name: str, share: float, mean: float) -> dict[str, Any]:
        figure = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "num_items": 9}
        return {"system": name, "share": share, "figures": {"f1": figure}}

    systems = [
        system(name, share, 0.2 + 0.1 * share)
        for name in ("notes", "lead")
        for share in (0.1, 0.5, 1.0)
    ]
    path = tmp_path / "curves.svg"
    plot_systems(systems, {"f1": "F1"}, path)
    said = words(path)
    assert "of the text read, %" in said
    assert said.split().count("notes") == said.split().count("lead") == 1
