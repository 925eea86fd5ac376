"""Figures of what memories hold, what models predict, and how training went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.ui.figure_files import new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIGHT = 0.5
"""Share above which a cell is bright enough for black figures."""
SHADES = ("start", "middle", "end")

TRAINING_PANELS = (
    ("loss", "loss, nats a token", 1.0),
    ("token_accuracy", "tokens right, %", 100.0),
    ("held_out_loss", "loss on what is held out, nats a token", 1.0),
    ("correlation", "correlation, foretold and so", 1.0),
    ("mean_rate", "tokens written, %", 100.0),
    ("memory_norm", "largest norm of a memory", 1.0),
)
"""Measures of a run's log that are drawn, their labels and factors."""


def plot_cells(cells: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw token accuracy by length and depth (or task), a panel a condition.

    Args:
        cells: in the JSON form of `infini eval passkey` or `babilong`.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(path)
    conditions = list(dict.fromkeys(cell["condition"] for cell in cells))
    lengths = sorted({cell["length"] for cell in cells})
    rows = list(dict.fromkeys(_row(cell) for cell in cells))
    width = 1.6 + 0.9 * len(lengths)
    figure.set_size_inches(width * len(conditions), 1.6 + 0.5 * len(rows))
    panels = figure.subplots(1, len(conditions), squeeze=False)[0]
    for panel, condition in zip(panels, conditions, strict=True):
        values = {
            (_row(cell), cell["length"]): 100 * cell["token_accuracy"]
            for cell in cells
            if cell["condition"] == condition
        }
        grid = [[values.get((row, length), float("nan")) for length in lengths] for row in rows]
        _heat_map(panel, grid, [_short(length) for length in lengths], rows)
        panel.set_title(condition, fontsize=10)
        panel.set_xlabel("tokens")
    figure.suptitle("Token accuracy, %")
    save(figure, path)


def plot_predictions(predictions: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw perplexity by position in the text, a line a condition and length of segments.

    Args:
        predictions: in the JSON form of `infini eval perplexity`; over several texts the lines
            are geometric means.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(path)
    lines: dict[str, list[Sequence[float]]] = defaultdict(list)
    for item in predictions:
        lines[f"{item['condition']}, segments of {item['segment_length']:,}"].append(
            item["by_position"]
        )
    axes = figure.subplots()
    for label, texts in lines.items():
        means = [exp(sum(map(log, part)) / len(part)) for part in zip(*texts, strict=False)]
        axes.plot([100 * (index + 0.5) / len(means) for index in range(len(means))], means, "o-")
        axes.lines[-1].set_label(label)
    axes.set_xlabel("position in the text, %")
    axes.set_ylabel("perplexity")
    axes.set_xlim(0, 100)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    save(figure, path)


def plot_training(steps: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw a training run by step, a panel for each measure that its log has.

    Args:
        steps: lines of `log.jsonl`, at least one; a measure may be missing from some, or None.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(path)
    shown = [panel for panel in TRAINING_PANELS if panel[0] in steps[0]]
    num_rows = -(-len(shown) // 2)
    figure.set_size_inches(9, 3 * num_rows)
    panels = list(figure.subplots(num_rows, min(2, len(shown)), squeeze=False).flat)
    window = max(1, len(steps) // 50)
    for axes, (key, label, factor) in zip(panels, shown, strict=False):
        measured = [step for step in steps if step[key] is not None]
        numbers = [step["step"] for step in measured]
        values = [factor * step[key] for step in measured]
        axes.plot(numbers, values, ".", alpha=0.25, markersize=3)
        axes.plot(numbers, _smooth(values, window), label=f"mean of {window} steps")
        axes.set_xlabel("step")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    save(figure, path)


def _smooth(values: Sequence[float], window: int) -> list[float]:
    parts = (values[max(0, end - window) : end] for end in range(1, len(values) + 1))
    return [sum(part) / len(part) for part in parts]


def _row(cell: Mapping[str, Any]) -> str:
    if cell["depth"] is None:
        return str(cell["task"])
    names = dict(zip((0.0, 0.5, 1.0), SHADES, strict=True))
    return names.get(cell["depth"], f"{cell['depth']:.2f}")


def _short(length: int) -> str:
    for unit, size in (("M", 1 << 20), ("K", 1 << 10)):
        if length % size == 0:
            return f"{length // size}{unit}"
    return f"{length:,}"


def _heat_map(
    axes: Axes, grid: Sequence[Sequence[float]], columns: Sequence[str], rows: Sequence[str]
) -> None:
    axes.imshow(grid, vmin=0, vmax=100, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for y, line in enumerate(grid):
        for x, value in enumerate(line):
            if value == value:
                color = "black" if value > 100 * LIGHT else "white"
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", color=color)
