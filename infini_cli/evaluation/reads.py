"""Reading for measurements: the same window into the same memory is read only once.

A haystack of repeated filler comes back to the same windows again and again, and a memory that
does not write it stays the same object. What reading would give is then known, to the last bit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from infini_cli.evaluation.windows import Window
from infini_cli.tasks.model import Model

if TYPE_CHECKING:
    from infini_models.memory import Memory

CAPACITY = 64
"""Reads that are remembered: more than the filler has different windows, few enough to hold."""


class Reads:
    """Reads windows into memories.

    Args:
        model: who reads.
        capacity: how many reads are remembered, the last used.
    """

    def __init__(self, model: Model, capacity: int = CAPACITY) -> None:
        self.empty: Memory = model.decoder.empty_memory()
        self.num_computed = 0
        self._decoder, self._capacity = model.decoder, capacity
        # The memory before is kept too: its address is then no other's.
        self._known: OrderedDict[tuple[Window, int], tuple[Memory, Memory]] = OrderedDict()

    def read(self, window: Window, memory: Memory) -> Memory:
        """Give the memory after a window; the very same one where nothing was written.

        Args:
            window: what is read.
            memory: before it; only `empty` and what this gave are known again.
        """
        key = (window, id(memory))
        if key not in self._known:
            self._known[key] = (memory, self._compute(window, memory))
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key][1]

    def _compute(self, window: Window, memory: Memory) -> Memory:
        import torch

        self.num_computed += 1
        with torch.inference_mode():
            result = self._decoder.read_segment(
                torch.tensor([window.ids]),
                memory,
                num_prefix=window.num_repeated,
                memory_only=True,
            )
        assert result.memory is not None
        unchanged = all(a is b for a, b in zip(result.memory, memory, strict=True))
        return memory if unchanged else result.memory
