"""Figures: what was measured, as a PNG, SVG or PDF file.

Drawn with matplotlib, which is an optional extra: it is imported here and nowhere else, and only
when a figure is asked for.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.errors import UsageError
from infini_cli.ui.output import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 150
LIGHT = 0.5
"""Share above which a cell is bright enough for black figures."""
PANELS_A_ROW = 4
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
    figure = _new_figure(path)
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
    _save(figure, path)


def plot_predictions(predictions: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw perplexity by position in the text, a line a condition and length of segments.

    Args:
        predictions: in the JSON form of `infini eval perplexity`; over several texts the lines
            are geometric means.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = _new_figure(path)
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
    _save(figure, path)


def plot_systems(
    systems: Sequence[Mapping[str, Any]], labels: Mapping[str, str], path: Path
) -> None:
    """Draw each figure's means and intervals, a panel a figure and a bar a system.

    Args:
        systems: in the JSON form of `infini eval summaries` or `qa`.
        labels: names of the figures, in the order wanted.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = _new_figure(path)
    shown = [name for name in labels if any(name in system["figures"] for system in systems)]
    num_rows = -(-len(shown) // PANELS_A_ROW)
    names = [system["system"] for system in systems]
    figure.set_size_inches(12, num_rows * (1 + 0.3 * len(systems)))
    panels = list(figure.subplots(num_rows, PANELS_A_ROW, squeeze=False, sharey=True).flat)
    for panel, name in zip(panels, shown, strict=False):
        for row, system in enumerate(systems):
            if (found := system["figures"].get(name)) is None:
                continue
            low, mean, high = (
                100 * (found["mean"] if found[key] is None else found[key])
                for key in ("low", "mean", "high")
            )
            panel.barh(row, mean, color=f"C{row}")
            # An interval of resampled means need not hold the mean itself.
            panel.plot([min(low, mean), max(high, mean)], [row, row], color="black")
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_xlim(0, max(1, panel.get_xlim()[1]))
        panel.set_title(f"{labels[name]}, %", fontsize=10)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    _save(figure, path)


def plot_training(steps: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw a training run by step, a panel for each measure that its log has.

    Args:
        steps: lines of `log.jsonl`, at least one; a measure may be missing from some, or None.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = _new_figure(path)
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
    _save(figure, path)


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


def _new_figure(path: Path) -> Figure:
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"`{path.name}` is no figure", hint=f"figures end in {', '.join(SUFFIXES)}"
        )
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "figures need matplotlib", hint="pip install 'infini-cli[plot]'"
        ) from error
    return Figure(layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    drawn = io.BytesIO()
    kind = path.suffix.lower().removeprefix(".")
    from matplotlib import rc_context

    # Without a date and random names the same figures are the same bytes.
    metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with rc_context({"svg.hashsalt": "infini"}):
        figure.savefig(drawn, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    write_file(drawn.getvalue(), path)
