"""Pages of texts and the notes that people wrote on them: what a writer learns from.

A file of notes has an object a line: `text` names a file below a folder, `start` and `end` are
offsets of a page in what infini reads of it (`infini extract`), `first` and `last` those of the
passage on the page that `note` tells in one sentence. Notes on a page follow each other. Texts that
lie in a file of JSON lines are named by their line, from 1: `stories.jsonl:3`, and are its
`document` or its `sections`. So notes can be given away where texts cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from infini_cli.errors import DamagedInput
from infini_cli.evaluation.items import Text, open_text
from infini_cli.evaluation.records import Record, path_inside, read_records

KEPT_TEXTS = 64
"""Notes on a text follow each other, or nearly."""


@dataclass(frozen=True, slots=True)
class PageNote:
    """A note on a passage.

    Attributes:
        passage: a sentence of the page, or two.
        note: what is to be written of it.
    """

    passage: str
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its notes.

    Attributes:
        text: of the page.
        notes: on passages of it, at least one.
    """

    text: str
    notes: tuple[PageNote, ...]


def read_pages(notes: Path, texts: Path) -> list[Page]:
    """Read notes and what they are on, in the order of the file.

    Args:
        notes: the file.
        texts: the folder that their texts lie in.

    Raises:
        InputNotFound: a file is not there.
        InputError: one cannot be read.
    """
    found = (_note(record, texts) for record in read_records(notes))
    pages = [
        Page(text, tuple(note for _, note in of_page))
        for text, of_page in groupby(found, key=lambda pair: pair[0])
    ]
    if not pages:
        raise DamagedInput(f"`{notes}` holds no notes")
    return pages


def _note(record: Record, texts: Path) -> tuple[str, PageNote]:
    """Give the text of a page and a note on it."""
    name, note = record.text("text"), record.text("note")
    start, end = _span(record, "start", "end", "page")
    first, last = _span(record, "first", "last", "passage")
    file, _, line = name.partition(":")
    path = path_inside(texts, file, record.place, setting="notes.texts")
    found = _read(path, line)
    if found is None:
        raise DamagedInput(f"{record.place} names a text that is not there: {name!a}")
    page, passage = found[start:end], " ".join(found[first:last].split())
    if not note or not passage or not start <= first < last <= end:
        raise DamagedInput(f"{record.place} has no note, or no passage on its page")
    return page, PageNote(passage, note)


def _span(record: Record, first: str, last: str, what: str) -> tuple[int, int]:
    start, end = record.values.get(first), record.values.get(last)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        raise DamagedInput(f"{record.place} has no `{first}` and `{last}` of a {what}")
    return start, end


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
