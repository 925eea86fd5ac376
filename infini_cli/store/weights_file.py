"""Safetensors files written as the tensors come, and the number formats that go into them.

The shapes are known before the values, so the header is written first and every tensor's
bytes go straight to their place: a file of gigabytes needs memory for one block of rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from infini_cli.atomic import atomic_file

ITEM_BYTES = {"F32": 4, "BF16": 2, "I8": 1}
_ALIGNMENT = 64
"""The first tensor starts at a multiple of a cache line."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a file says of a tensor.

    Attributes:
        name: key in the file.
        dtype: `F32`, `BF16` or `I8`.
        shape: dimensions, outermost first.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Size in the file."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


class WeightsWriter:
    """Places the pieces of each tensor one after the other; tensors in any order."""

    def __init__(self, file: BinaryIO, places: Mapping[str, tuple[int, int]]) -> None:
        self._file = file
        self._next = {name: start for name, (start, _) in places.items()}
        self._end = {name: end for name, (_, end) in places.items()}

    def append(self, name: str, values: NDArray[Any]) -> None:
        """Write the next values of a tensor, already in its number format.

        Raises:
            ValueError: more values than the tensor has.
        """
        piece = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
        start = self._next[name]
        if start + piece.size > self._end[name]:
            raise ValueError(f"too many values for `{name}`")
        self._file.seek(start)
        self._file.write(piece.data)
        self._next[name] = start + piece.size

    def check_full(self) -> None:
        """Make sure that every tensor is whole.

        Raises:
            ValueError: values of some tensor are missing.
        """
        for name, end in self._end.items():
            if self._next[name] != end:
                raise ValueError(f"too few values for `{name}`")


def weights_size(specs: Sequence[TensorSpec]) -> int:
    """Give the bytes that tensors take in a file, its header aside."""
    return sum(spec.num_bytes for spec in specs)


@contextmanager
def weights_file(
    path: Path, specs: Sequence[TensorSpec], metadata: Mapping[str, str]
) -> Iterator[WeightsWriter]:
    """Write a safetensors file that appears at `path` once every tensor is whole.

    Args:
        path: the final place.
        specs: the tensors.
        metadata: strings for the header.

    Yields:
        what takes the tensors' values.

    Raises:
        ValueError: values are missing at the end, or too many.
        OSError: the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    places: dict[str, tuple[int, int]] = {}
    position = 0
    # Widest numbers first: then each tensor starts at a multiple of its item size.
    for spec in sorted(specs, key=lambda spec: -ITEM_BYTES[spec.dtype]):
        end = position + spec.num_bytes
        header[spec.name] = {
            "dtype": spec.dtype,
            "shape": list(spec.shape),
            "data_offsets": [position, end],
        }
        places[spec.name] = (position, end)
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    start = -(-(8 + len(text)) // _ALIGNMENT) * _ALIGNMENT
    text = text.ljust(start - 8)
    with atomic_file(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        writer = WeightsWriter(
            file, {name: (start + first, start + last) for name, (first, last) in places.items()}
        )
        yield writer
        writer.check_full()


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round finite float32 values to the nearest bfloat16, ties to even, as bit patterns."""
    bits = values.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    odd += np.uint32(0x7FFF)
    odd += bits
    odd >>= np.uint32(16)
    return odd.astype(np.uint16)


def to_int8(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row to signed bytes with its own scale, symmetric around zero.

    Args:
        rows: float32 [rows, columns], finite.

    Returns:
        int8 [rows, columns] and float32 scales [rows]; bytes times scale is nearest.
    """
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    scales = np.maximum(largest, np.finfo(np.float32).tiny) / np.float32(127)
    scaled = rows / scales[:, None]
    np.rint(scaled, out=scaled)
    np.clip(scaled, -127, 127, out=scaled)
    return scaled.astype(np.int8), scales.astype(np.float32)
