"""Reading a whole book: every token once, and no interruption changes the outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infini_cli import paths
from infini_cli.progress import Event, Read, silent
from infini_cli.store.book_memory import BookMemory
from infini_cli.store.memory_file import SUFFIX, load_book_memory, save_book_memory
from infini_cli.tasks import note_questions, reading_run
from infini_cli.tasks.book_reader import read_through
from infini_cli.tasks.model import Model
from tests.tasks.tiny import tiny_book

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_run, "MAX_GROUP_SEGMENTS", 3)
    monkeypatch.setattr(note_questions, "NOTE_TOKENS", 4)


def saved() -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths.memories_dir().glob(f"*{SUFFIX}"))]


def test_every_token_is_read_and_every_segment_has_its_note(tiny: Model) -> None:
    told: list[Read] = []

    def listen(event: Event) -> None:
        if isinstance(event, Read):
            told.append(event)

    reading = read_through(tiny_book(), tiny, listen, notes=True, use_cache=False)
    memory, plan = reading.book_memory, reading.plan
    assert memory.is_complete
    assert memory.num_tokens_read == plan.num_tokens == told[-1].tokens
    assert [event.segment for event in told] == list(range(1, len(plan.segments) + 1))
    assert [note.segment for note in memory.notes] == [s.index for s in plan.segments]
    assert len(plan.segments) > 2 * 3
    assert saved() == []


@pytest.mark.parametrize("notes", [True, False])
@pytest.mark.parametrize("stop_at", [1, 4, 8])
def test_an_interrupted_reading_goes_on_and_ends_the_same(
    tiny: Model, notes: bool, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_run, "SECONDS_BETWEEN_SAVES", 0.0)
    read_through(tiny_book(), tiny, silent, notes=notes, use_cache=True)
    (whole,) = saved()
    for path in paths.memories_dir().glob(f"*{SUFFIX}"):
        path.unlink()

    def stop(event: Event) -> None:
        if isinstance(event, Read) and event.segment == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_through(tiny_book(), tiny, stop, notes=notes, use_cache=True)
    reading = read_through(tiny_book(), tiny, silent, notes=notes, use_cache=True)
    expected = (stop_at - 1) // 3 * 3 if notes else stop_at - 1
    assert reading.num_resumed == expected
    assert saved() == [whole]


def test_a_killed_reading_goes_on_and_ends_the_same(tiny_folder: Path, tmp_path: Path) -> None:
    homes = {name: tmp_path / name for name in ("whole", "killed")}
    command = [sys.executable, "-m", "tests.tasks.tiny", str(tiny_folder), "6"]

    def start(home: Path) -> subprocess.Popen[str]:
        environment = {**os.environ, "INFINI_HOME": str(home), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )

    with start(homes["whole"]) as process:
        lines, _ = process.communicate(timeout=120)
    num_segments = len(lines.split())
    assert num_segments > 7
    for kill_after in (2, 4):
        with start(homes["killed"]) as process:
            assert process.stdout is not None
            for _ in range(kill_after):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    with start(homes["killed"]) as process:
        lines, _ = process.communicate(timeout=120)
    first = int(lines.split()[0])
    assert 1 < first <= num_segments
    files = {name: sorted(home.rglob(f"*{SUFFIX}")) for name, home in homes.items()}
    assert len(files["whole"]) == len(files["killed"]) == 1
    assert files["whole"][0].read_bytes() == files["killed"][0].read_bytes()


def test_a_book_that_was_read_is_not_read_again(tiny: Model) -> None:
    read_through(tiny_book(), tiny, silent, notes=True, use_cache=True)
    told: list[Event] = []
    again = read_through(tiny_book(), tiny, told.append, notes=True, use_cache=True)
    assert again.num_resumed == len(again.plan.segments)
    assert not [event for event in told if isinstance(event, Read)]


def test_a_damaged_state_is_told_and_read_again(tiny: Model) -> None:
    first = read_through(tiny_book(), tiny, silent, notes=True, use_cache=True)
    (path,) = paths.memories_dir().glob(f"*{SUFFIX}")
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(bytes(data))
    told: list[Event] = []
    again = read_through(tiny_book(), tiny, told.append, notes=True, use_cache=True)
    assert again.num_resumed == 0
    assert "altered" in told[0].text  # type: ignore[union-attr]
    assert again.book_memory.notes == first.book_memory.notes
    assert load_book_memory(path, tiny).is_complete


def test_what_was_read_before_changes_the_notes_only_through_the_memory(
    tiny: Model, remembering: Model
) -> None:
    for model, differs in ((tiny, False), (remembering, True)):
        book = tiny_book(2)
        whole = read_through(book, model, silent, notes=True, use_cache=False).book_memory
        from infini_cli.reading.selection import select_chapters

        second = select_chapters(book, chapters="2")
        alone = read_through(second, model, silent, notes=True, use_cache=False).book_memory
        of_second = [note.text for note in whole.notes if note.chapter_label == "2"]
        assert (of_second != [note.text for note in alone.notes]) is differs


@pytest.mark.parametrize("notes", [True, False])
def test_with_the_memory_off_nothing_is_carried_on(remembering: Model, notes: bool) -> None:
    def read(use_memory: bool) -> BookMemory:
        return read_through(
            tiny_book(),
            remembering,
            silent,
            notes=notes,
            use_cache=False,
            use_memory=use_memory,
        ).book_memory

    on, off = read(True), read(False)
    assert off.is_complete
    assert not any(layer.memory_BNKV.any() for layer in off.memory)
    assert all(layer.memory_BNKV.any() for layer in on.memory)
    # Only what comes before a segment makes a difference, and a kept state is not mistaken.
    assert [note.segment for note in off.notes] == [note.segment for note in on.notes]
    assert on.identity.key != off.identity.key
    if notes:
        assert on.notes[0] == off.notes[0]
        assert on.notes[1:] != off.notes[1:]


def test_what_is_saved_on_the_way_is_the_whole_state(tiny: Model, tmp_path: Path) -> None:
    """The text is compressed once for all saves of a reading."""
    reading = read_through(tiny_book(), tiny, silent, notes=True, use_cache=True)
    save_book_memory(tmp_path / "again.infmem", reading.book_memory)
    assert saved() == [(tmp_path / "again.infmem").read_bytes()]
