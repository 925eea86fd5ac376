"""Figures of systems side by side: bars, or curves over how much of the texts was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.ui.figure_files import new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS_A_ROW = 4


def plot_systems(
    systems: Sequence[Mapping[str, Any]], labels: Mapping[str, str], path: Path
) -> None:
    """Draw each figure's means and intervals, a panel a figure.

    A system is a bar; where systems read several shares of the texts, it is a curve over them.

    Args:
        systems: in the JSON form of `infini eval summaries` or `qa`.
        labels: names of the figures, in the order wanted.
        path: of the figure.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(path)
    shown = [name for name in labels if any(name in system["figures"] for system in systems)]
    names = list(dict.fromkeys(system["system"] for system in systems))
    is_curve = len({system["share"] for system in systems}) > 1
    num_rows = -(-len(shown) // PANELS_A_ROW)
    figure.set_size_inches(12, num_rows * (2.6 if is_curve else 1 + 0.3 * len(names)))
    panels = list(figure.subplots(num_rows, PANELS_A_ROW, squeeze=False, sharey=not is_curve).flat)
    for panel, name in zip(panels, shown, strict=False):
        of_systems = [
            [system for system in systems if system["system"] == of and name in system["figures"]]
            for of in names
        ]
        for row, found in enumerate(of_systems):
            intervals = [_interval(system["figures"][name]) for system in found]
            if is_curve:
                shares = [100 * system["share"] for system in found]
                _curve(panel, shares, intervals, f"C{row}", names[row])
            elif intervals:
                _bar(panel, row, intervals[0])
        if is_curve:
            panel.set_xlim(0, 105)
            panel.set_ylim(0, 1.05 * max(panel.get_ylim()[1], 1))
            panel.set_xlabel("of the text read, %")
            panel.grid(alpha=0.3)
        else:
            panel.set_yticks(range(len(names)), names)
            panel.set_ylim(len(names) - 0.5, -0.5)
            panel.set_xlim(0, max(1, panel.get_xlim()[1]))
        panel.set_title(f"{labels[name]}, %", fontsize=10)
    if is_curve:
        panels[0].legend(fontsize=8)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    save(figure, path)


def _interval(figure: Mapping[str, Any]) -> tuple[float, float, float]:
    """Give low, mean and high in per cent; the mean for bounds that were not measured."""
    low, mean, high = (
        100 * (figure["mean"] if figure[key] is None else figure[key])
        for key in ("low", "mean", "high")
    )
    # An interval of resampled means need not hold the mean itself.
    return min(low, mean), mean, max(high, mean)


def _bar(panel: Axes, row: int, interval: tuple[float, float, float]) -> None:
    low, mean, high = interval
    panel.barh(row, mean, color=f"C{row}")
    panel.plot([low, high], [row, row], color="black")


def _curve(
    panel: Axes,
    shares: Sequence[float],
    intervals: Sequence[tuple[float, float, float]],
    color: str,
    label: str,
) -> None:
    lows, means, highs = ([interval[part] for interval in intervals] for part in range(3))
    panel.plot(shares, means, "o-", color=color, label=label)
    panel.fill_between(shares, lows, highs, color=color, alpha=0.15, linewidth=0)
