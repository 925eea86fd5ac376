"""Results of single items, and what they come to for each system."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from infini_cli.evaluation.bootstrap import Figure, geometric_mean_figure, mean_figure


@dataclass(frozen=True, slots=True)
class Result:
    """What a system made of an item.

    Attributes:
        system: its name.
        id: of the item.
        output: what it wrote; None: that the text does not say.
        figures: what was measured; a figure that does not apply is not there.
        seconds: wall time of writing.
        reading_seconds: wall time of reading the text, which items on one text share.
        share: of the text's words that were read, from the first, 0 to 1.
    """

    system: str
    id: str
    output: str | None
    figures: dict[str, float]
    seconds: float
    reading_seconds: float = 0.0
    share: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """What a system reached over all items.

    Attributes:
        system: its name.
        share: of the texts' words that it read, from the first, 0 to 1.
        num_items: items.
        figures: by name; those that apply to no item are not there.
        seconds: wall time, each reading of a text counted once.
        results: of the items.
    """

    system: str
    share: float
    num_items: int
    figures: dict[str, Figure]
    seconds: float
    results: tuple[Result, ...]

    @property
    def label(self) -> str:
        """What tells it from the others."""
        return self.system if self.share == 1 else f"{self.system}, {100 * self.share:g} %"

    def to_dict(self, *, with_items: bool) -> dict[str, Any]:
        """Give the JSON form."""
        found: dict[str, Any] = {
            "system": self.system,
            "share": self.share,
            "num_items": self.num_items,
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
            "seconds": self.seconds,
        }
        if with_items:
            found["items"] = [result.to_dict() for result in self.results]
        return found


def gather(
    results: Iterable[tuple[str, Result]],
    systems: Sequence[str],
    *,
    seed: int,
    combined: Mapping[str, Sequence[str]] | None = None,
) -> list[SystemFigures]:
    """Sum up the results of each system, and of each share of the texts that it read.

    Args:
        results: each with the hash of its text.
        systems: in the order wanted.
        seed: of the confidence intervals.
        combined: figures that are geometric means of the means of others, which every item has.
    """
    found: dict[tuple[int, float], list[tuple[str, Result]]] = defaultdict(list)
    for text, result in results:
        found[systems.index(result.system), result.share].append((text, result))
    parts = combined or {}
    return [
        _system_figures(systems[index], share, items, seed, parts)
        for (index, share), items in sorted(found.items(), key=lambda item: item[0])
    ]


def _system_figures(
    system: str,
    share: float,
    items: Sequence[tuple[str, Result]],
    seed: int,
    combined: Mapping[str, Sequence[str]],
) -> SystemFigures:
    results = tuple(result for _, result in items)
    names = dict.fromkeys(name for result in results for name in result.figures)
    columns = {name: [r.figures[name] for r in results if name in r.figures] for name in names}
    figures = {name: mean_figure(column, seed=seed) for name, column in columns.items()}
    for name, parts in combined.items():
        figures[name] = geometric_mean_figure([columns[part] for part in parts], seed=seed)
    readings = {text: result.reading_seconds for text, result in items}
    seconds = sum(result.seconds for result in results) + sum(readings.values())
    return SystemFigures(system, share, len(results), figures, round(seconds, 1), results)
