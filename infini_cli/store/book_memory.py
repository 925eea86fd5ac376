"""Book memories: what a model keeps of a book, as one file.

A book memory is a safetensors file. Its tensors are the model's compressive memory and the
book's text, compressed; its one metadata entry is JSON that says which model, tokenizer,
book and settings made it, how far it has read, and the notes written on the way. With it a
book is read once and asked many times, a stopped run goes on where it was, and the book's
file is no longer needed. The same reading always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.atomic import write_atomically
from infini_cli.errors import DamagedInput, InputNotFound, MemoryMismatch
from infini_cli.reading.book import Book
from infini_cli.store.from_json import from_json

if TYPE_CHECKING:
    from infini_models.memory import Memory
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


@dataclass(frozen=True, slots=True)
class Note:
    """What the model wrote on one segment, while the segment was in its window.

    Attributes:
        segment: index of the segment.
        chapter_label, chapter_title: of the chapter it belongs to.
        text: the note: what of it the segment bears, or its best sentence where nothing is borne.
        support: share of the words of its best sentence that stand in one place of the segment.
        start, end: the segment's offsets in `Book.text`.
        orders: for each sentence of the text the share of its words that stand in one place of the
            segment in the same order, 0 where the place is about others; empty where it was not
            kept.
        confidences: how sure the model was of each, `Draft.confidence`; empty likewise.
        places: offsets in `Book.text` of the sentences that begin in the segment; empty where it
            was not measured how much they matter.
        saliences: how much each matters, as `infini_cli.tasks.salience` takes it.
    """

    segment: int
    chapter_label: str
    chapter_title: str
    text: str
    support: float = 1.0
    start: int = 0
    end: int = 0
    orders: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    places: tuple[int, ...] = ()
    saliences: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a memory depends on; two readings that agree in it give the same memory.

    Attributes:
        model: name, for display.
        checkpoint: hash of the weights, the configuration and the gates.
        form: form of the weights it was computed with.
        tokenizer: sha256 of the tokenizer.
        source: sha256 of the book's file.
        plan: sha256 of the segments, ids and boundaries.
        recipe: hash of the prefix and of the prompts for notes, `` without notes.
    """

    model: str
    checkpoint: str
    form: str
    tokenizer: str
    source: str
    plan: str
    recipe: str

    @property
    def key(self) -> str:
        """Name the reading, hexadecimal."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A point in the middle of a text, to go on from when the text has grown.

    Attributes:
        memory: as it was there.
        num_segments: read until then.
        num_tokens: read until then.
        plan: sha256 of the plan of these segments.
    """

    memory: Memory
    num_segments: int
    num_tokens: int
    plan: str


@dataclass(frozen=True, slots=True)
class BookMemory:
    """What was read of a book, so far or whole.

    Attributes:
        identity: what made it.
        book: the book's kept chapters.
        memory: M and z of every layer, batch of 1.
        num_segments_read: segments read.
        num_segments: segments of the plan.
        num_tokens_read: tokens read.
        num_tokens: tokens of the plan.
        notes: in reading order.
        before: the last point before the last chapter at which notes were written; None where
            there is none.
    """

    identity: Identity
    book: Book
    memory: Memory
    num_segments_read: int
    num_segments: int
    num_tokens_read: int
    num_tokens: int
    notes: tuple[Note, ...] = ()
    before: Snapshot | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the whole plan was read."""
        return self.num_segments_read == self.num_segments

    def advanced(
        self, memory: Memory, num_segments: int, num_tokens: int, notes: tuple[Note, ...]
    ) -> BookMemory:
        """Give the memory after more segments."""
        return replace(
            self,
            memory=memory,
            num_segments_read=self.num_segments_read + num_segments,
            num_tokens_read=self.num_tokens_read + num_tokens,
            notes=self.notes + notes,
        )


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


def check_model(name: str, identity: Identity, model: Any) -> None:
    """Refuse a memory that another model made, saying in what it differs.

    Raises:
        MemoryMismatch: checkpoint, form or tokenizer differ.
    """
    pairs = {
        "checkpoint": (identity.checkpoint, model.checkpoint),
        "form of the weights": (identity.form, model.form),
        "tokenizer": (identity.tokenizer, model.tokenizer.sha256),
    }
    for what, (made_with, now) in pairs.items():
        if made_with != now:
            raise MemoryMismatch(
                f"`{name}` was made by `{identity.model}` with another {what} "
                f"({made_with[:12]}, now {now[:12]} of `{model.name}`)",
                hint=f"use `--model {identity.model}`, or read the book again with `infini read`",
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
