"""Pages of texts and the notes that people wrote on them: what a writer learns from.

A file of notes has an object a line: `text` names a file below a folder, `start` and `end` are
offsets in what infini reads of it (`infini extract`), `note` is what was written. Texts that lie in
a file of JSON lines are named by their line, from 1: `stories.jsonl:3`, and are its `document` or
its `sections`. So notes can be given away where texts cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from infini_cli.errors import DamagedInput
from infini_cli.evaluation.items import Text, open_text
from infini_cli.evaluation.records import Record, path_inside, read_records

KEPT_TEXTS = 64
"""Notes on a text follow each other, or nearly."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its note.

    Attributes:
        text: of the page.
        note: what is to be written on it.
    """

    text: str
    note: str


def read_pages(notes: Path, texts: Path) -> list[Page]:
    """Read notes and what they are on, in the order of the file.

    Args:
        notes: the file.
        texts: the folder that their texts lie in.

    Raises:
        InputNotFound: a file is not there.
        InputError: one cannot be read.
    """
    pages = [_page(record, texts) for record in read_records(notes)]
    if not pages:
        raise DamagedInput(f"`{notes}` holds no notes")
    return pages


def _page(record: Record, texts: Path) -> Page:
    name, note = record.text("text"), record.text("note")
    start, end = record.values.get("start"), record.values.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        raise DamagedInput(f"{record.place} has no `start` and `end` of a page")
    file, _, line = name.partition(":")
    path = path_inside(texts, file, record.place)
    found = _read(path, line)
    if found is None:
        raise DamagedInput(f"{record.place} names a text that is not there: {name!a}")
    page = found[start:end]
    if not note or not page.strip():
        raise DamagedInput(f"{record.place} has no note, or no page")
    return Page(page, note)


@lru_cache(maxsize=KEPT_TEXTS)
def _read(path: Path, line: str) -> str | None:
    """Give what infini reads of a text; None where a file of lines has no such text."""
    if not line:
        return open_text(Text(path=path)).text
    if not line.isdecimal():
        return None
    records = _records(path)
    if not 1 <= int(line) <= len(records):
        return None
    values: dict[str, Any] = dict(records[int(line) - 1].values)
    sections = values.get("sections")
    content = (
        "\n\n".join(map(str, sections)) if isinstance(sections, list) else values.get("document")
    )
    return open_text(Text(content=str(content))).text if content else None


@lru_cache(maxsize=4)
def _records(path: Path) -> list[Record]:
    return list(read_records(path))
