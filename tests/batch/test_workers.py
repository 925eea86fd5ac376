"""Books side by side in processes, some of which die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from infini_cli.batch.run import Report, run_batch
from infini_cli.batch.work import MAX_ATTEMPTS, Result, Work
from infini_cli.errors import DamagedInput, Interrupted
from infini_cli.progress import BatchStep, Event, Note, Progress, Read
from tests.batch.test_run import ledger, write_books

WAITS_SECONDS = {"slow": 300, "brief": 0.5}
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Working:
    """Work that tells who did it, fails, dies or waits on demand."""

    folder: Path

    def __call__(self, path: Path, progress: Progress) -> Result:
        text = path.read_text()
        (self.folder / f"{path.stem}-{time.monotonic_ns()}").touch()
        if text == "damaged":
            raise DamagedInput(f"`{path.name}` is damaged", hint="copy it again")
        if text == "bug":
            raise ZeroDivisionError("a bug")
        if text == "deadly" or (text == "once" and self.attempts(path) == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if text in WAITS_SECONDS:
            time.sleep(WAITS_SECONDS[text])
        progress(Note(f"about {path.stem}", warning=True))
        progress(Read("", "", "", 1, 1, 1, 1, 1.0, 0.0))
        return Result(text.upper().encode(), {"process": os.getpid()})

    def prepare(self, paths: Sequence[Path], progress: Progress) -> None:
        names = "+".join(path.stem for path in paths)
        progress(Note(f"{names} together"))

    def attempts(self, path: Path) -> int:
        return len(list(self.folder.glob(f"{path.stem}-*")))


@pytest.fixture
def work(tmp_path: Path) -> Working:
    folder = tmp_path / "attempts"
    folder.mkdir()
    return Working(folder)


def run(books: list[Path], folder: Path, work: Working, **more: object) -> Report:
    options = {"settings": "s", "suffix": ".md", "num_jobs": 2} | more
    return run_batch(books, folder, Work(work, work.prepare), **options)  # type: ignore[arg-type]


def test_books_are_shared_out_and_reported_in_order(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="first", b="damaged", c="third", d="bug", e="fifth")
    told: list[Event] = []
    report = run(books, tmp_path / "out", work, progress=told.append)
    assert [path.stem for path in report.done] == ["a", "c", "e"]
    assert [(one.path.stem, one.error.message) for one in report.failed] == [
        ("b", "`b.txt` is damaged"),
        ("d", "internal error: ZeroDivisionError: a bug"),
    ]
    assert isinstance(report.failed[0].error, DamagedInput)
    assert report.failed[0].error.hint == "copy it again"
    assert (tmp_path / "out" / "e.md").read_bytes() == b"FIFTH"
    warned = sorted(event.text for event in told if isinstance(event, Note))
    assert warned == ["about a", "about c", "about e"]
    assert not any(isinstance(event, Read) for event in told)
    ends = [event for event in told if isinstance(event, BatchStep) and event.outcome]
    assert [event.done for event in ends] == [1, 2, 3, 4, 5]
    lines = ledger(tmp_path / "out")
    processes = {line["facts"]["process"] for line in lines if line["outcome"] == "done"}  # type: ignore[index]
    assert os.getpid() not in processes
    assert len(processes) <= 2
    again = run(books, tmp_path / "out", work)
    assert [path.stem for path in again.skipped] == ["a", "c", "e"]


def test_a_book_whose_worker_was_killed_goes_to_another(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="once", b="second", c="once")
    report = run(books, tmp_path / "out", work)
    assert [path.stem for path in report.done] == ["a", "b", "c"]
    assert [work.attempts(path) for path in books] == [2, 1, 2]
    outcomes = [(line["output"], line["outcome"]) for line in ledger(tmp_path / "out")]
    assert sorted(outcomes) == sorted(
        (f"{name}.md", outcome) for name in "abc" for outcome in ("begun", "done")
    )


def test_a_book_that_kills_its_workers_is_given_up(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="deadly", b="second")
    report = run(books, tmp_path / "out", work)
    assert [path.stem for path in report.done] == ["b"]
    (failure,) = report.failed
    assert work.attempts(books[0]) == MAX_ATTEMPTS
    assert "was lost 3 times, the last time by signal 9" in failure.error.message
    assert failure.error.hint is not None
    assert "--jobs" in failure.error.hint


def test_a_unit_whose_worker_was_killed_goes_to_another(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="first", b="once", c="third", d="fourth")
    told: list[Event] = []
    report = run(books, tmp_path / "out", work, max_unit=2, progress=told.append)
    assert report.done == tuple(books)
    assert [work.attempts(path) for path in books] == [1, 2, 1, 1]
    notes = [event.text for event in told if isinstance(event, Note)]
    assert sorted(note for note in notes if note.endswith("together")) == [
        "a+b together",
        "c+d together",
    ]


def test_of_a_unit_only_the_book_that_kills_is_given_up(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="deadly", b="second", c="third", d="fourth")
    report = run(books, tmp_path / "out", work, max_unit=2)
    assert report.done == tuple(books[1:])
    (failure,) = report.failed
    assert failure.path == books[0]
    assert work.attempts(books[0]) == 2 * MAX_ATTEMPTS


def test_fail_fast_stops_the_others(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="slow", b="damaged", c="third")
    start = time.monotonic()
    report = run(books, tmp_path / "out", work, fail_fast=True)
    assert time.monotonic() - start < 100
    assert report.done == ()
    assert [one.path.stem for one in report.failed] == ["b"]


def test_an_interruption_stops_the_workers(tmp_path: Path, work: Working) -> None:
    books = write_books(tmp_path / "in", a="slow", b="second")

    def interrupt(event: Event) -> None:
        if isinstance(event, BatchStep) and event.outcome == "done":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="after 1 of 2 books"):
        run(books, tmp_path / "out", work, progress=interrupt)
    assert [line["outcome"] for line in ledger(tmp_path / "out")].count("done") == 1


PARENT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.batch.test_workers import Working, run

    if __name__ == "__main__":
        folder = Path(sys.argv[1])
        books = sorted((folder / "in").iterdir())
        run(books, folder / "out", Working(folder / "attempts"))
    """
)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are looked up in /proc")
def test_workers_end_with_a_killed_parent(tmp_path: Path, work: Working) -> None:
    write_books(tmp_path / "in", a="slow", b="slow")
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}"}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    deadline = time.monotonic() + 60
    while len(list(work.folder.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = _children(parent.pid)
    assert len(children) >= 2
    parent.kill()
    parent.wait()
    while any(_is_running(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lines = [json.loads(line) for line in (tmp_path / "out" / "run.jsonl").read_text().splitlines()]
    assert {line["outcome"] for line in lines} == {"begun"}


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in text.split()]


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
