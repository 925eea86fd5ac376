from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from infini_cli.batch.run import LOCK_NAME, Report, run_batch
from infini_cli.batch.work import Result, Work
from infini_cli.errors import DamagedInput, InputTooLarge, Interrupted, UsageError
from infini_cli.progress import BatchStep, Event, Progress


class Shouting:
    """Work that needs no model, counts its calls and fails on demand."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, path: Path, progress: Progress) -> Result:
        self.calls.append(path.name)
        text = path.read_text()
        if text == "damaged":
            raise DamagedInput(f"`{path.name}` is damaged", hint="copy it again")
        if text == "bug":
            raise ZeroDivisionError("a bug")
        if text == "interrupt":
            raise KeyboardInterrupt
        return Result(text.upper().encode(), {"num_letters": len(text)})


def write_books(folder: Path, **texts: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    return [folder / f"{name}.txt" for name in texts]


Make = Callable[[Path, Progress], Result]


def run(
    books: list[Path],
    folder: Path,
    make: Make,
    settings: str = "s",
    timeout_seconds: float | None = None,
    **more: object,
) -> Report:
    work = Work(make, timeout_seconds=timeout_seconds)
    return run_batch(books, folder, work, settings=settings, suffix=".md", **more)  # type: ignore[arg-type]


def ledger(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]


def test_one_output_a_book_and_a_ledger(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="second")
    report = run(books, tmp_path / "out", Shouting())
    assert report.done == tuple(books)
    assert (report.num_books, report.skipped, report.failed) == (2, (), ())
    assert (tmp_path / "out" / "a.md").read_bytes() == b"FIRST"
    lines = ledger(tmp_path / "out")
    assert [line["outcome"] for line in lines] == ["begun", "done", "begun", "done"]
    assert lines[1]["facts"] == {"num_letters": 5}
    assert all(line["schema"] == "infini/2" for line in lines)


def test_the_second_run_does_nothing(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="second")
    run(books, tmp_path / "out", Shouting())
    before = (tmp_path / "out" / "run.jsonl").read_bytes()
    work = Shouting()
    report = run(books, tmp_path / "out", work)
    assert not work.calls
    assert report.skipped == tuple(books)
    assert (tmp_path / "out" / "run.jsonl").read_bytes() == before


@pytest.mark.parametrize("change", ["content", "settings", "output", "redo"])
def test_what_is_done_again(change: str, tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="second")
    run(books, tmp_path / "out", Shouting())
    if change == "content":
        books[0].write_text("changed")
    if change == "output":
        (tmp_path / "out" / "a.md").unlink()
    work = Shouting()
    settings = "other" if change == "settings" else "s"
    run(books, tmp_path / "out", work, settings, redo=change == "redo")
    assert work.calls == (["a.txt"] if change in ("content", "output") else ["a.txt", "b.txt"])
    assert sorted(path.name for path in (tmp_path / "out").glob("*.md")) == ["a.md", "b.md"]


def test_settings_changed_back_are_done_again(tmp_path: Path) -> None:
    """The output holds the last settings' result, so the first ones' is gone."""
    books = write_books(tmp_path / "in", a="first")
    for settings in ("one", "two"):
        run(books, tmp_path / "out", Shouting(), settings)
    work = Shouting()
    run(books, tmp_path / "out", work, "one")
    assert work.calls == ["a.txt"]


def test_failures_stop_nothing_and_are_tried_again(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="damaged", b="bug", c="good")
    books.insert(0, tmp_path / "in" / "missing.txt")
    report = run(books, tmp_path / "out", Shouting())
    assert [failure.path.name for failure in report.failed] == ["missing.txt", "a.txt", "b.txt"]
    assert [failure.error.exit_code for failure in report.failed] == [3, 3, 1]
    assert report.done == (books[-1],)
    failed = [line["error"] for line in ledger(tmp_path / "out") if line["outcome"] == "failed"]
    assert failed[1] == {
        "type": "DamagedInput",
        "message": "`a.txt` is damaged",
        "hint": "copy it again",
        "exit_code": 3,
    }
    assert not (tmp_path / "out" / "a.md").exists()
    work = Shouting()
    run(books, tmp_path / "out", work)
    assert work.calls == ["a.txt", "b.txt"]


def test_fail_fast(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="good", b="damaged", c="good too")
    report = run(books, tmp_path / "out", Shouting(), fail_fast=True)
    assert (len(report.done), len(report.failed)) == (1, 1)


def test_a_book_that_takes_too_long_fails_and_the_others_go_on(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="slow", b="second")
    work = Shouting()

    def slow(path: Path, progress: Progress) -> Result:
        result = work(path, progress)
        while path.name == "a.txt":
            try:
                time.sleep(60)
            except InputTooLarge:  # as libraries do that catch everything
                if len(work.calls) > 1:
                    raise
                work.calls.append("caught")
        return result

    report = run(books, tmp_path / "out", slow, timeout_seconds=0.05)
    assert [(failure.path, failure.error.exit_code) for failure in report.failed] == [(books[0], 3)]
    assert "took longer than 0.05 seconds" in report.failed[0].error.message
    assert report.done == (books[1],)
    assert work.calls == ["a.txt", "caught", "b.txt"]
    # The clock is off again.
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="interrupt", c="third")
    with pytest.raises(Interrupted, match="after 1 of 3 books"):
        run(books, tmp_path / "out", Shouting())
    books[1].write_text("second")
    work = Shouting()
    run(books, tmp_path / "out", work)
    assert work.calls == ["b.txt", "c.txt"]


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    write_books(tmp_path / "in", a="first", b="second", c="third")
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from infini_cli.batch.run import run_batch
        from infini_cli.batch.work import Result, Work

        def work(path, progress):
            if path.name == "b.txt":
                os.kill(os.getpid(), signal.SIGKILL)
            return Result(path.read_bytes())

        books = sorted(Path(sys.argv[1]).glob("*.txt"))
        run_batch(books, Path(sys.argv[2]), Work(work), settings="s", suffix=".md")
        """
    )
    arguments = [str(tmp_path / "in"), str(tmp_path / "out")]
    process = subprocess.run([sys.executable, "-c", script, *arguments], check=False)
    assert process.returncode == -signal.SIGKILL
    work = Shouting()
    report = run(sorted((tmp_path / "in").glob("*.txt")), tmp_path / "out", work)
    assert work.calls == ["b.txt", "c.txt"]
    assert len(report.skipped) == 1


def test_a_ledger_that_was_cut_off(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="second")
    run(books, tmp_path / "out", Shouting())
    path = tmp_path / "out" / "run.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    work = Shouting()
    run(books, tmp_path / "out", work)
    assert work.calls == ["b.txt"]
    good = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert json.loads(good[-1])["outcome"] == "done"


def test_progress_tells_every_step(tmp_path: Path) -> None:
    books = write_books(tmp_path / "in", a="first", b="damaged")
    run(books[:1], tmp_path / "out", Shouting())
    events: list[Event] = []
    run(books, tmp_path / "out", Shouting(), progress=events.append)
    steps = [(e.done, e.total, e.outcome) for e in events if isinstance(e, BatchStep)]
    assert steps == [(0, 2, ""), (1, 2, "skipped"), (1, 2, ""), (2, 2, "failed")]


def test_two_batches_do_not_write_to_one_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / LOCK_NAME), pytest.raises(UsageError, match="another batch"):
        run(write_books(tmp_path / "in", a="first"), tmp_path / "out", Shouting())


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="cannot write"):
        run(write_books(tmp_path / "in", a="first"), tmp_path / "out", Shouting())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_fails_and_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    report = run([pipe], tmp_path / "out", Shouting())
    assert "regular file" in report.failed[0].error.message
