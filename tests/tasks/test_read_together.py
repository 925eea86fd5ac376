"""Short books side by side: the same notes in fewer steps, and no interruption changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infini_cli import paths
from infini_cli.progress import Event, Read, Write, silent
from infini_cli.reading.book import Book
from infini_cli.store.memory_file import SUFFIX
from infini_cli.tasks import book_reader, note_groups, note_questions, read_together, reading_run
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.instructions import USUAL
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.summarize import read_together as read_for_summaries
from infini_cli.tasks.summarize import summarize
from tests.tasks.tiny import tiny_book
from tests.tokens.build import build_book

WORDS = ("lamp", "rope", "salt", "brass", "harbour")


@pytest.fixture(autouse=True)
def short_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 6)


def short_book(word: str, num_chapters: int = 1) -> Book:
    text = f"The keeper wrote of the {word} and carried it to the winter island. "
    return build_book([[f"# Part {n}", text * 2] for n in range(1, num_chapters + 1)])


def books() -> list[Book]:
    return [short_book(word, number) for number, word in enumerate(WORDS, 1)]


def read(some: list[Book], model: Model, progress: Callable[[Event], None] = silent) -> None:
    read_together.read_together(some, model, progress, USUAL)


def kept() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths.memories_dir().glob(f"*{SUFFIX}")}


def forget() -> None:
    for path in paths.memories_dir().glob(f"*{SUFFIX}"):
        path.unlink()


def test_every_book_gets_the_notes_that_it_gets_alone(remembering: Model) -> None:
    told: list[Event] = []
    read(books(), remembering, told.append)
    assert len(kept()) == len(WORDS)
    for book in books():
        together = read_through(book, remembering, silent, notes=True, use_cache=True)
        assert together.num_resumed == len(together.plan.segments)
        alone = read_through(book, remembering, silent, notes=True, use_cache=False)
        pairs = zip(together.book_memory.notes, alone.book_memory.notes, strict=True)
        for one, other in pairs:
            assert one == other
        states = zip(together.book_memory.memory, alone.book_memory.memory, strict=True)
        assert all(one.memory_BNKV.equal(other.memory_BNKV) for one, other in states)
    writes = [event for event in told if isinstance(event, Write)]
    assert writes[-1].done == writes[-1].total > len(WORDS)


def count_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []
    write = note_groups.write_branches

    def counted(model: Model, branches: Any, **more: Any) -> Any:
        sizes.append(len(branches))
        return write(model, branches, **more)

    monkeypatch.setattr(note_groups, "write_branches", counted)
    return sizes


def test_all_notes_are_one_batch(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = count_batches(monkeypatch)
    read(books(), tiny)
    assert len(sizes) == 1
    assert sizes[0] >= len(WORDS)


def test_batches_have_a_bound(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    read(books(), tiny)
    whole = kept()
    forget()
    monkeypatch.setattr(read_together, "MAX_GROUP_SEGMENTS", 4)
    monkeypatch.setattr(reading_run, "MAX_GROUP_SEGMENTS", 2)  # each book stops more than once
    sizes = count_batches(monkeypatch)
    read(books(), tiny)
    assert len(sizes) > 2
    assert kept().keys() == whole.keys()


def test_long_books_and_single_ones_are_left_alone(tiny: Model) -> None:
    long = tiny_book(reading_run.MAX_SHORT_SEGMENTS + 1)
    read([long], tiny)
    read([short_book("lamp"), long], tiny)
    assert kept() == {}
    read([short_book("lamp"), long, short_book("rope")], tiny)
    assert len(kept()) == 2


def test_what_was_read_is_not_read_again(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    read(books(), tiny)
    sizes = count_batches(monkeypatch)
    told: list[Event] = []
    read(books(), tiny, told.append)
    assert sizes == []
    assert told == []


@pytest.mark.parametrize("num_saved", [0, 1, 3])
def test_a_run_that_was_stopped_while_it_saved_ends_the_same(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, num_saved: int
) -> None:
    read(books(), tiny)
    whole = kept()
    forget()
    save = reading_run.save_book_memory

    def stop(path: Any, state: Any, text: Any) -> None:
        if len(kept()) == num_saved:
            raise KeyboardInterrupt
        save(path, state, text)

    with monkeypatch.context() as patched:
        patched.setattr(reading_run, "save_book_memory", stop)
        with pytest.raises(KeyboardInterrupt):
            read(books(), tiny)
    assert len(kept()) == num_saved
    sizes = count_batches(monkeypatch)
    read(books(), tiny)
    assert len(sizes) == 1
    assert kept() == whole


def test_summaries_are_made_of_what_was_read_together(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SummaryRequest()
    read_for_summaries(books(), request, tiny, silent)
    told: list[Event] = []
    for book in books():
        summarize(book, request, tiny, told.append)
    assert not [event for event in told if isinstance(event, Read)]
    assert book_reader.kept_notes(books()[0], tiny)
