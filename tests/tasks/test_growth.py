"""A text that grows: read on, and never otherwise than if it had been read at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infini_cli.errors import UsageError
from infini_cli.progress import Event, Read, silent
from infini_cli.reading.book import Book
from infini_cli.store.memory_file import load_book_memory, save_book_memory
from infini_cli.tasks import note_questions, reading_run
from infini_cli.tasks.growth import check_growth
from infini_cli.tasks.model import Model
from infini_cli.tasks.read import read
from infini_cli.tasks.requests import MemoryRequest, ReadRequest, SummaryRequest
from infini_cli.tasks.summarize import summarize
from infini_cli.tasks.values import ReadResult
from tests.tokens.build import build_book


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_run, "MAX_GROUP_SEGMENTS", 3)
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)


def part(number: int, times: int = 4) -> list[str]:
    text = f"The keeper of island {number} wrote the name Orla{number} in the book. "
    return [f"# Part {number}", *[text * 4] * (times // 4)]


def book_of(*parts: list[str]) -> Book:
    book = build_book(parts)
    return replace(book, source_sha256=f"{sum(map(len, parts)):064d}")


def read_to(
    path: Path, book: Book, model: Model, append: Path | None = None
) -> tuple[ReadResult, list[int]]:
    """Read without any cache; give the segments that were read."""
    told: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Read):
            told.append(event.segment)

    request = ReadRequest(path, use_cache=False, append=append)
    return read(book, request, model, listen), told


GROWN = book_of(*(part(n) for n in range(1, 8)))
OLD = {
    "whole chapters": book_of(*(part(n) for n in range(1, 6))),
    "one more chapter is new": book_of(*(part(n) for n in range(1, 7))),
    "the last chapter has grown": book_of(*(part(n) for n in range(1, 7)), part(7)[:1]),
    "the last paragraph has grown": book_of(
        *(part(n) for n in range(1, 6)), [part(6)[0], part(6)[1][:40]]
    ),
    "only the first chapter": book_of(part(1)),
    "nothing is new": GROWN,
}


@pytest.mark.parametrize("name", OLD)
def test_a_grown_text_ends_in_the_same_bytes(name: str, remembering: Model, tmp_path: Path) -> None:
    old, grown, whole = (tmp_path / f"{one}.infmem" for one in ("old", "grown", "whole"))
    read_to(old, OLD[name], remembering)
    result, told = read_to(grown, GROWN, remembering, append=old)
    _, all_told = read_to(whole, GROWN, remembering)
    assert grown.read_bytes() == whole.read_bytes()
    assert result.num_segments_kept + len(told) == len(all_told)
    assert result.coverage.dropped == 0
    # A group of notes and the last chapter are read again, no more.
    unchanged = load_book_memory(old, remembering).num_segments
    again = unchanged - result.num_segments_kept
    assert again < 3 + 3
    if name != "only the first chapter":
        assert result.num_segments_kept >= 6


def test_a_text_grows_again_and_again(tiny: Model, tmp_path: Path) -> None:
    path, whole = tmp_path / "serial.infmem", tmp_path / "whole.infmem"
    read_to(path, OLD["only the first chapter"], tiny)
    kept = []
    for number in range(2, 8):
        book = book_of(*(part(n) for n in range(1, number + 1)))
        kept.append(read_to(path, book, tiny, append=path)[0].num_segments_kept)
    read_to(whole, GROWN, tiny)
    assert path.read_bytes() == whole.read_bytes()
    assert kept == sorted(kept)
    assert kept[-1] > kept[0]


def test_an_updated_summary_needs_no_reading(tiny: Model, tmp_path: Path) -> None:
    old, grown = tmp_path / "old.infmem", tmp_path / "grown.infmem"
    read_to(old, OLD["whole chapters"], tiny)
    read_to(grown, GROWN, tiny, append=old)
    told: list[Event] = []
    request = SummaryRequest(length="60w", memory=MemoryRequest(grown))
    made = summarize(None, request, tiny, told.append)
    assert not [event for event in told if isinstance(event, Read)]
    plain = SummaryRequest(length="60w", memory=MemoryRequest(use_cache=False))
    assert made.text == summarize(GROWN, plain, tiny, silent).text


def test_an_older_file_is_read_from_the_beginning_and_right(tiny: Model, tmp_path: Path) -> None:
    """One that keeps no point to go on from."""
    old, grown, whole = (tmp_path / f"{one}.infmem" for one in ("old", "grown", "whole"))
    read_to(old, OLD["whole chapters"], tiny)
    save_book_memory(old, replace(load_book_memory(old, tiny), before=None))
    result, _ = read_to(grown, GROWN, tiny, append=old)
    assert result.num_segments_kept == 0
    read_to(whole, GROWN, tiny)
    assert grown.read_bytes() == whole.read_bytes()


def test_a_stopped_run_goes_on(tiny: Model, tmp_path: Path) -> None:
    old, grown, whole = (tmp_path / f"{one}.infmem" for one in ("old", "grown", "whole"))
    read_to(old, OLD["only the first chapter"], tiny)
    request = ReadRequest(grown, append=old)

    def stop(event: Event) -> None:
        if isinstance(event, Read) and event.segment == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(GROWN, request, tiny, stop)
    assert read(GROWN, request, tiny, silent).num_segments_kept == 6
    read_to(whole, GROWN, tiny)
    assert grown.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            book_of(part(1), part(9)),
            'chapter 2, block c02.b0001: "Part 2" is now "Part 9"',
        ),
        (
            book_of(part(1), [*part(2), "More."], part(3)),
            "chapter 3, block c03.b0001: in the new text it stands in chapter 2",
        ),
        (
            book_of(part(1), part(2)),
            'chapter 3: the old text goes on where the new one ends: "Part',
        ),
        (
            book_of(part(1), part(2), [part(3)[0], "The keeper slept."]),
            'block c03.b0002: "The keeper of island 3 wrote',
        ),
    ],
)
def test_what_is_no_beginning_is_refused_with_the_first_difference(
    new: Book, message: str, tiny: Model, tmp_path: Path
) -> None:
    old = tmp_path / "old.infmem"
    read_to(old, book_of(part(1), part(2), part(3)), tiny)
    with pytest.raises(UsageError, match="is not the beginning of this one") as caught:
        read_to(tmp_path / "new.infmem", new, tiny, append=old)
    assert message in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "new.infmem").exists()


def test_only_the_last_block_may_grow() -> None:
    old = book_of(part(1), [*part(2), "It was"])
    check_growth(old, book_of(part(1), [*part(2), "It was late."], part(3)))
    check_growth(old, old)
    with pytest.raises(UsageError):
        check_growth(book_of([*part(1), "It was"], part(2)), book_of([*part(1), "It was late."]))
