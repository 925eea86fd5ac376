"""`infini batch` as a verb with a command below it, and how a batch stands."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.run import Infini


def begin(infini: Infini, book: Path, tmp_path: Path) -> Path:
    """Run a batch of a good book and a broken one; add a book that was begun and no more."""
    books, out = tmp_path / "in", tmp_path / "out"
    books.mkdir()
    (books / "good.epub").write_bytes(book.read_bytes())
    (books / "bad.epub").write_bytes(b"PK\x03\x04 no more")
    assert infini("batch", books, "-o", out, "--method", "lead", "-q").code == 5
    lines = (out / "run.jsonl").read_text().splitlines()
    begun = json.loads(lines[0]) | {"input": str(books / "later.epub"), "outcome": "begun"}
    with (out / "run.jsonl").open("a") as ledger:
        ledger.write(json.dumps(begun | {"error": None, "seconds": None}) + "\n")
    return out


def test_status_tells_of_every_book(infini: Infini, book: Path, tmp_path: Path) -> None:
    out = begin(infini, book, tmp_path)
    outcome = infini("batch", "status", out)
    assert outcome.code == 0
    assert outcome.err == "3 books: 1 done, 1 failed, 1 begun\n"
    rows = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert "done" in rows["good.epub"]
    assert "begun" in rows["later.epub"]
    assert "failed" in rows["bad.epub"]
    assert "bad.epub" in rows["bad.epub"].split("failed")[1], "the message names the file"


def test_status_as_json(infini: Infini, book: Path, tmp_path: Path) -> None:
    ledger = begin(infini, book, tmp_path) / "run.jsonl"
    found = json.loads(infini("batch", "status", ledger, "--json").out)
    assert (found["num_books"], found["num_done"], found["num_failed"]) == (3, 1, 1)
    assert found["num_begun"] == 1
    bad = next(one for one in found["books"] if one["input"].endswith("bad.epub"))
    assert bad["error"]["exit_code"] == 3
    good = next(one for one in found["books"] if one["input"].endswith("good.epub"))
    assert good["seconds"] >= 0
    assert good["error"] is None


def test_a_folder_without_a_ledger(infini: Infini, tmp_path: Path) -> None:
    outcome = infini("batch", "status", tmp_path)
    assert outcome.code == 3
    assert "there is no ledger" in outcome.err
    assert "hint: " in outcome.err


def test_a_control_sequence_in_a_ledger_reaches_no_terminal(infini: Infini, tmp_path: Path) -> None:
    entry = {"input": "/b/\x1b[31mred.epub", "output": "a.md", "settings": "s"}
    entry |= {"source_sha256": "0", "outcome": "failed", "error": {"message": "\x1b[2J gone"}}
    (tmp_path / "run.jsonl").write_text(json.dumps(entry) + "\n")
    assert "\x1b" not in infini("batch", "status", tmp_path).out


def test_batch_by_itself_runs(infini: Infini, book: Path, tmp_path: Path) -> None:
    for number, arguments in enumerate((["batch"], ["batch", "run"])):
        out = tmp_path / str(number)
        assert infini(*arguments, book, "-o", out, "--method", "lead", "-q").code == 0
        assert (out / "run.jsonl").is_file()
    assert "--files-from" in infini("batch", "--help").out


def test_jobs_give_what_one_process_gives(infini: Infini, book: Path, tmp_path: Path) -> None:
    books = tmp_path / "in"
    books.mkdir()
    for name in ("a", "b", "c"):
        (books / f"{name}.epub").write_bytes(book.read_bytes())
    (books / "d.epub").write_bytes(b"PK\x03\x04 no more")
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        outcome = infini("batch", books, "-o", out, "--method", "lead", "--jobs", jobs)
        assert outcome.code == 5
        assert "4 books: 3 done, 0 skipped, 1 failed" in outcome.err
    names = ["a.md", "b.md", "c.md"]
    alone, shared = ([(tmp_path / jobs / name).read_bytes() for name in names] for jobs in "12")
    assert alone == shared
