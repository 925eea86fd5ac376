"""Files of book memories: a memory and its book, kept and checked.

A file is in safetensors. Its tensors are the model's compressive memory and the book's text,
compressed; its one metadata entry is JSON that says which model, tokenizer, book and settings made
it, how far it has read, and the notes written on the way. The same reading always gives the same
bytes.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.atomic import write_atomically
from infini_cli.errors import DamagedInput, InputNotFound, MemoryMismatch
from infini_cli.reading.book import Book
from infini_cli.store.book_memory import BookMemory, Identity, Note, Snapshot, check_model
from infini_cli.store.from_json import from_json

if TYPE_CHECKING:
    from torch import Tensor

SCHEMA = "infmem/4"
SUFFIX = ".infmem"
BEFORE = "before."
"""Begins the names of a snapshot's tensors."""
MAX_TEXT_BYTES = 1 << 30
"""Bound on the text that a memory file may expand to."""
COUNTS = ("num_segments_read", "num_segments", "num_tokens_read", "num_tokens")
WRONG = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What a header raises that is not built as ours are."""


def save_book_memory(path: Path, book_memory: BookMemory, packed: Tensor | None = None) -> None:
    """Write the file atomically.

    Args:
        path: the file.
        book_memory: what is written.
        packed: what `pack_text` gives for its book; None: it is packed now.
    """
    from infini_models.snapshot import memory_tensors
    from safetensors.torch import save

    tensors = memory_tensors(book_memory.memory)
    tensors["book"] = pack_text(book_memory.book) if packed is None else packed
    before = book_memory.before
    if before is not None:
        earlier = memory_tensors(before.memory)
        # A copy: a file cannot hold two names for one tensor.
        tensors |= {f"{BEFORE}{name}": tensor.clone() for name, tensor in earlier.items()}
    header = {
        "schema": SCHEMA,
        "title": book_memory.book.title,
        "identity": asdict(book_memory.identity),
        "num_segments_read": book_memory.num_segments_read,
        "num_segments": book_memory.num_segments,
        "num_tokens_read": book_memory.num_tokens_read,
        "num_tokens": book_memory.num_tokens,
        "notes": [asdict(note) for note in book_memory.notes],
        "before": None if before is None else [before.num_segments, before.num_tokens, before.plan],
        "tensors_sha256": _hash_tensors(tensors),
    }
    # One entry: several would be written in an order that changes from run to run.
    text = json.dumps(header, sort_keys=True, ensure_ascii=False)
    checked = {"infini": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    metadata = {"infini": json.dumps(checked, sort_keys=True, ensure_ascii=False)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(tensors, metadata))


def read_header(path: Path) -> dict[str, Any]:
    """Read what a memory file says of itself, without its tensors.

    Raises:
        InputNotFound: there is no such file.
        DamagedInput: it is not a book memory, or altered.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputNotFound(f"no book memory at `{path}`", hint="make one with `infini read BOOK`")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        checked = json.loads(metadata["infini"])
        text = checked["infini"]
        if hashlib.sha256(text.encode()).hexdigest() != checked["sha256"]:
            raise _damaged(path)
        header: dict[str, Any] = json.loads(text)
        schema = header.get("schema")
    except (SafetensorError, OSError, *WRONG) as error:
        raise _damaged(path) from error
    if schema != SCHEMA:
        raise MemoryMismatch(
            f"`{path.name}` has format {schema!r}, this version reads {SCHEMA!r}",
            hint="read the book again with `infini read`",
        )
    return header


def load_book_memory(path: Path, model: Any) -> BookMemory:
    """Read a memory file and check every byte of it.

    Args:
        path: the file.
        model: the loaded model that is to use it (`infini_cli.tasks.model.Model`).

    Raises:
        InputNotFound, DamagedInput: the file is absent or altered.
        MemoryMismatch: another model made it.
    """
    from infini_models.errors import SnapshotError
    from infini_models.snapshot import memory_from_tensors
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path)
    try:
        identity: Identity = from_json(Identity, header["identity"])
    except WRONG as error:
        raise _damaged(path) from error
    check_model(path.name, identity, model)
    try:
        tensors = load_file(path)
        if _hash_tensors(tensors) != header["tensors_sha256"]:
            raise _damaged(path)
        counts = {name: from_json(int, header[name]) for name in COUNTS}
        return BookMemory(
            identity=identity,
            book=_unpack_text(tensors["book"]),
            memory=memory_from_tensors(tensors, model.decoder.empty_memory()),
            notes=from_json(tuple[Note, ...], header["notes"]),
            before=_snapshot(tensors, header.get("before"), model),
            **counts,
        )
    except (SafetensorError, SnapshotError, OSError, zlib.error, *WRONG) as error:
        raise _damaged(path) from error


def _snapshot(tensors: dict[str, Tensor], facts: list[Any] | None, model: Any) -> Snapshot | None:
    from infini_models.snapshot import memory_from_tensors

    if facts is None:
        return None
    num_segments, num_tokens, plan = facts
    earlier = {
        name.removeprefix(BEFORE): tensor
        for name, tensor in tensors.items()
        if name.startswith(BEFORE)
    }
    return Snapshot(
        memory_from_tensors(earlier, model.decoder.empty_memory()),
        from_json(int, num_segments),
        from_json(int, num_tokens),
        from_json(str, plan),
    )


def _hash_tensors(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _damaged(path: Path) -> DamagedInput:
    return DamagedInput(
        f"`{path.name}` is not a book memory, or it was cut or altered",
        hint="read the book again with `infini read`",
    )


def pack_text(book: Book) -> Tensor:
    """Compress the text of a book: for one of 3 MB half a second, which not every save need take.

    Returns:
        Bytes, uint8.
    """
    import torch

    kept = [asdict(chapter) for chapter in book.kept_chapters]
    fields = {
        "title": book.title,
        "authors": book.authors,
        "language": book.language,
        "format": book.format,
        "source_sha256": book.source_sha256,
        "chapters": kept,
    }
    packed = zlib.compress(json.dumps(fields, sort_keys=True, ensure_ascii=False).encode(), 6)
    return torch.frombuffer(bytearray(packed), dtype=torch.uint8)


def _unpack_text(tensor: Tensor) -> Book:
    inflater = zlib.decompressobj()
    text = inflater.decompress(tensor.numpy().tobytes(), MAX_TEXT_BYTES)
    if not inflater.eof:
        raise ValueError("the text is cut or larger than any book")
    book: Book = from_json(Book, json.loads(text))
    return book
