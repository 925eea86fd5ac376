"""GGUF files: their metadata and their table of tensors, every length checked before it is used.

The layout (little-endian, versions 2 and 3): magic, version, number of tensors, number of
metadata entries; the entries; one record a tensor (name, dimensions innermost first, type,
offset); padding; the tensors' bytes. Nothing in a file can run code, allocate more than the
file itself holds, or be read beyond its end.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infini_models.errors import CheckpointError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_ENTRIES = 1 << 16
"""Bound on metadata entries and on tensors, far above any model's."""
MAX_DIMENSIONS = 4
MAX_STRING_BYTES = 1 << 24
BLOCK_BYTES = 1 << 25
"""Dequantised bytes (float32) that `read_rows` aims to yield at a time."""

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor lies in its file.

    Attributes:
        name: llama.cpp's name, `blk.0.attn_q.weight`.
        shape: outermost dimension first, as numpy and torch count.
        kind: number of the storage type.
        offset: bytes from the start of the file.
        num_bytes: stored size.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A parsed GGUF file; the tensors' bytes stay on disk.

    Attributes:
        path: the file.
        metadata: values by key; arrays of strings are tuples, other arrays numpy's.
        tensors: by llama.cpp's names.
    """

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]


def read_gguf(path: Path) -> GgufFile:
    """Read the metadata and the tensor table.

    Raises:
        CheckpointError: the file is no GGUF, damaged, or of a type not known here.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise CheckpointError(f"`{path.name}` is not a GGUF file")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            try:
                metadata, tensors = _Parser(mapped).parse()
            except CheckpointError as error:
                raise CheckpointError(f"`{path.name}` is damaged: {error}") from error
    return GgufFile(path, metadata, tensors)


def read_rows(
    file: GgufFile,
    tensor: GgufTensor,
    *,
    multiple: int = 1,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Dequantise a tensor's rows in order, some megabytes at a time.

    Args:
        file: the file that `tensor` belongs to.
        tensor: what to read; a vector counts as one row.
        multiple: blocks hold a multiple of so many rows.
        start: first row.
        stop: row to stop before, the end if None.

    Yields:
        float32 [rows, columns].

    Raises:
        CheckpointError: the file has shrunk, the type cannot be dequantised, or a value is
            not finite.
    """
    columns = tensor.shape[-1]
    num_rows = 1
    for dimension in tensor.shape[:-1]:
        num_rows *= dimension
    stop = num_rows if stop is None else min(stop, num_rows)
    row_bytes = tensor.num_bytes // num_rows
    step = max(1, BLOCK_BYTES // (4 * columns * multiple)) * multiple
    with file.path.open("rb") as source:
        for first in range(start, stop, step):
            rows = min(step, stop - first)
            source.seek(tensor.offset + first * row_bytes)
            raw = np.fromfile(source, np.uint8, rows * row_bytes)
            if raw.size != rows * row_bytes:
                raise CheckpointError(f"`{file.path.name}` ends inside `{tensor.name}`")
            yield _dequantize(raw.reshape(rows, row_bytes), tensor)


def _dequantize(raw: NDArray[np.uint8], tensor: GgufTensor) -> NDArray[np.float32]:
    # Imported here: it takes a quarter of a second, and most runs find a converted model.
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        # Damaged scales overflow; the check below says so better than a warning.
        with np.errstate(all="ignore"):
            values = dequantize(raw, GGMLQuantizationType(tensor.kind))
    except NotImplementedError as error:
        kind = GGMLQuantizationType(tensor.kind).name
        raise CheckpointError(
            f"`{tensor.name}` is stored as {kind}, which has no reader"
        ) from error
    if values.dtype != np.float32 or not np.isfinite(values).all():
        raise CheckpointError(f"`{tensor.name}` holds values that are not finite numbers")
    return np.asarray(values, np.float32)


class _Parser:
    """A cursor over the file that refuses to step beyond its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.size = len(data)
        self.position = len(MAGIC)

    def parse(self) -> tuple[dict[str, Any], dict[str, GgufTensor]]:
        version = self.scalar("<I")
        if version not in VERSIONS:
            raise CheckpointError(f"version {version} is not one of {VERSIONS}")
        num_tensors = self.count("tensors", MAX_ENTRIES)
        num_entries = self.count("metadata entries", MAX_ENTRIES)
        metadata: dict[str, Any] = {}
        for _ in range(num_entries):
            key = self.string()
            metadata[key] = self.value(self.scalar("<I"))
        records = [self.record() for _ in range(num_tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise CheckpointError(f"alignment {alignment} is out of range")
        start = -(-self.position // alignment) * alignment
        tensors = {record[0]: self.place(start, *record) for record in records}
        if len(tensors) != num_tensors:
            raise CheckpointError("two tensors have one name")
        return metadata, tensors

    def take(self, num_bytes: int) -> int:
        """Step over bytes that must exist; return where they start."""
        start = self.position
        if num_bytes > self.size - start:
            raise CheckpointError("it ends early")
        self.position = start + num_bytes
        return start

    def scalar(self, layout: str) -> Any:
        return struct.unpack_from(layout, self.data, self.take(struct.calcsize(layout)))[0]

    def count(self, what: str, bound: int) -> int:
        number: int = self.scalar("<Q")
        if number > bound:
            raise CheckpointError(f"{number} {what} are beyond the bound of {bound}")
        return number

    def string(self) -> str:
        length = self.count("bytes of a string", MAX_STRING_BYTES)
        start = self.take(length)
        try:
            return self.data[start : start + length].decode("utf-8")
        except UnicodeDecodeError as error:
            raise CheckpointError("a string is not UTF-8") from error

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.array()
        if kind not in _SCALARS:
            raise CheckpointError(f"value type {kind} is unknown")
        return self.scalar(_SCALARS[kind])

    def array(self) -> Any:
        kind = self.scalar("<I")
        if kind == _STRING:
            # Every string takes at least its eight bytes of length.
            return tuple(self.string() for _ in range(self.count("strings", self.size // 8)))
        if kind not in _SCALARS:
            raise CheckpointError(f"array type {kind} is unknown")
        dtype = np.dtype(_SCALARS[kind])
        number = self.count("numbers", self.size // dtype.itemsize)
        start = self.take(number * dtype.itemsize)
        return np.frombuffer(self.data[start : self.position], dtype)

    def record(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string()
        num_dimensions = self.scalar("<I")
        if not 1 <= num_dimensions <= MAX_DIMENSIONS:
            raise CheckpointError(f"`{name}` has {num_dimensions} dimensions")
        innermost_first = [self.scalar("<Q") for _ in range(num_dimensions)]
        if 0 in innermost_first:
            raise CheckpointError(f"`{name}` is empty")
        return name, tuple(reversed(innermost_first)), self.scalar("<I"), self.scalar("<Q")

    def place(
        self, start: int, name: str, shape: tuple[int, ...], kind: int, offset: int
    ) -> GgufTensor:
        values_a_block, bytes_a_block = _block_size(name, kind)
        if shape[-1] % values_a_block:
            raise CheckpointError(f"rows of `{name}` do not fill whole blocks")
        num_bytes = shape[-1] // values_a_block * bytes_a_block
        for dimension in shape[:-1]:
            num_bytes *= dimension
        if start + offset + num_bytes > self.size:
            raise CheckpointError(f"it ends before the end of `{name}`")
        return GgufTensor(name, shape, kind, start + offset, num_bytes)


def _block_size(name: str, kind: int) -> tuple[int, int]:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        values, num_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"`{name}` has the unknown type {kind}") from error
    return int(values), int(num_bytes)
