"""summarize, ask, read and batch, with tasks that need no model."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infini_cli.commands import ask as ask_verb
from infini_cli.commands import batch_summaries, engine
from infini_cli.commands import read as read_verb
from infini_cli.commands import summarize as summarize_verb
from infini_cli.commands.inputs import read_questions
from infini_cli.commands.options import ModelOptions, ReadingOptions
from infini_cli.errors import DamagedInput, InfiniError, UsageError
from infini_cli.tasks.recipes import request_of
from infini_cli.tasks.requests import AnswerRequest, ReadRequest, SummaryRequest
from tests.commands.run import Infini


@dataclass(frozen=True)
class FakeResult:
    text: str
    num_segments_kept: int = 2
    coverage: Any = field(default_factory=lambda: SimpleNamespace(num_segments=1_005))

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "coverage": {"dropped": 0}}


class FakeTasks:
    """Records what the verbs ask of the tasks."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.num_models = 0
        self.together: list[tuple[str, ...]] = []
        self.pieces: tuple[str, ...] = ()

    def open_model(self, options: Any, progress: Any) -> str:
        self.num_models += 1
        return str(options.model)

    def summarize(self, book: Any, request: Any, model: Any, progress: Any) -> FakeResult:
        self.requests.append(request)
        return FakeResult(f"summary of {book} by {model}")

    def read_together(self, books: Any, request: Any, model: Any, progress: Any) -> None:
        self.together.append(tuple(books))

    def ask(
        self, book: Any, request: Any, model: Any, progress: Any, write: Any = None
    ) -> Iterator[FakeResult]:
        self.requests.append(request)
        for question in request.questions:
            if write is not None:
                for piece in self.pieces:
                    write(piece)
            yield FakeResult(f"answer to {question} from {book}")

    def read(self, book: Any, request: Any, model: Any, progress: Any) -> FakeResult:
        self.requests.append(request)
        request.destination.write_bytes(b"memory")
        return FakeResult("read")


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> FakeTasks:
    fake = FakeTasks()
    for name in ("open_model", "summarize", "read_together", "ask", "read"):
        monkeypatch.setattr(engine, name, getattr(fake, name))
    monkeypatch.setattr(engine, "render", lambda result, form: f"{form.value}: {result.text}\n")
    monkeypatch.setattr(engine, "render_explanation", lambda result: f"of\n  {result.text}")

    def open_book(path: Path | None, options: Any, terminal: Any) -> str:
        if path is not None and path.name.startswith("bad"):
            raise DamagedInput(f"`{path.name}` is damaged", hint="copy it again")
        return str(path.name) if path is not None else "stdin"

    for verb in (ask_verb, batch_summaries, read_verb, summarize_verb):
        monkeypatch.setattr(verb, "open_book", open_book)
    return fake


def test_a_summary_goes_to_stdout(infini: Infini, tasks: FakeTasks) -> None:
    outcome = infini("summarize", "a.epub", "--model", "m")
    assert (outcome.code, outcome.out, outcome.err) == (0, "md: summary of a.epub by m\n", "")
    assert tasks.requests == [SummaryRequest()]


def test_every_option_of_a_summary_arrives(infini: Infini, tasks: FakeTasks) -> None:
    options = (
        "--method incremental --length 10% --by chapter --strict --explain "
        "--temperature 0.5 --top-p 0.9 --top-k 40"
    )
    outcome = infini("summarize", "a.epub", *options.split(), "--seed", 7, "--no-cache")
    assert outcome.code == 0
    assert asdict(tasks.requests[0]) == {
        "method": "incremental",
        "length": "10%",
        "by_chapter": True,
        "strict": True,
        "explain": True,
        "question": None,
        "sampling": {"temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7},
        "memory": {"memory": None, "use_cache": False},
        "style": None,
    }


def test_the_command_line_wins_over_the_style(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'description = "x"\nmethod = "incremental"\nlength = "short"\n'
        "[options]\nby_chapter = true\nstrict = true\n"
    )
    wins = ["--method", "memory", "--length", "300w", "--by", "book", "--no-strict"]
    for options in ([], wins):
        assert infini("summarize", "a.epub", "--style", recipe, *options).code == 0
        batch = ("batch", recipe, "-o", tmp_path / f"out{len(options)}", "--style", recipe)
        assert infini(*batch, *options).code == 0
    said = [(r.method, r.length, r.by_chapter, r.strict) for r in tasks.requests]
    assert said[:2] == [("incremental", "short", True, True)] * 2
    assert said[2:] == [("memory", "300w", False, False)] * 2
    assert {request.style.name for request in tasks.requests} == {"mine"}


def test_an_explanation_leaves_stdout_alone(infini: Infini, tasks: FakeTasks) -> None:
    outcome = infini("summarize", "a.epub", "-m", "m", "--explain")
    assert outcome.out == "md: summary of a.epub by m\n"
    assert outcome.err == "of\n  summary of a.epub by m\n"
    assert infini("summarize", "a.epub", "-m", "m", "--explain", "--json").err == ""
    assert infini("summarize", "a.epub", "-m", "m", "--explain", "-q").err == ""


@pytest.mark.parametrize("method", ["lead", "textrank"])
def test_baselines_load_no_model(method: str, infini: Infini, tasks: FakeTasks) -> None:
    assert (
        infini("summarize", "a.epub", "--method", method).out == "md: summary of a.epub by None\n"
    )
    assert tasks.num_models == 0


def test_several_books_one_model(infini: Infini, tasks: FakeTasks) -> None:
    outcome = infini("summarize", "a.epub", "b.epub", "-m", "m", "-f", "text")
    assert outcome.out == "text: summary of a.epub by m\n\ntext: summary of b.epub by m\n"
    assert tasks.num_models == 1
    together = json.loads(infini("summarize", "a.epub", "b.epub", "-m", "m", "--json").out)
    assert together["schema"] == "infini/2"
    assert [result["text"] for result in together["results"]] == [
        "summary of a.epub by m",
        "summary of b.epub by m",
    ]


def test_all_books_are_opened_before_one_is_summarised(infini: Infini, tasks: FakeTasks) -> None:
    outcome = infini("summarize", "a.epub", "bad.epub", "-m", "m")
    assert (outcome.code, outcome.out) == (3, "")
    assert "`bad.epub` is damaged" in outcome.err
    assert (tasks.num_models, tasks.requests) == (0, [])


def test_a_summary_is_written_when_it_is_there(
    infini: Infini, tasks: FakeTasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def summarize(book: Any, *rest: Any) -> FakeResult:
        if book == "b.epub":
            raise InfiniError("the disk is full")
        return tasks.summarize(book, *rest)

    monkeypatch.setattr(engine, "summarize", summarize)
    command = ("summarize", "a.epub", "b.epub", "-m", "m")
    for options in ((), ("-o", "-")):
        outcome = infini(*command, *options)
        assert outcome.code != 0
        assert "the disk is full" in outcome.err
        assert outcome.out == "md: summary of a.epub by m\n"
    assert infini(*command, "-o", tmp_path / "s.md").code != 0
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_what_is_read(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    memory, questions = tmp_path / "a.infmem", tmp_path / "q.txt"
    memory.write_text("memory")
    questions.write_text("who?")
    for command in (
        ("summarize", "--memory", memory, "-o", memory),
        ("ask", "--memory", memory, "who?", "-o", memory),
        ("ask", "--memory", memory, "--questions", questions, "-o", questions),
        ("summarize", "a.epub", "-o", tmp_path),
        ("read", "a.epub", "-o", tmp_path),
    ):
        outcome = infini(*command)
        assert outcome.code == 2, command
        assert "hint:" in outcome.err
    assert (memory.read_text(), questions.read_text()) == ("memory", "who?")
    assert (tasks.num_models, tasks.requests) == (0, [])


def test_a_summary_to_a_file(infini: Infini, tasks: FakeTasks, tmp_path: Path) -> None:
    outcome = infini("summarize", "a.epub", "-m", "m", "-o", tmp_path / "s.md")
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "s.md").read_text() == "md: summary of a.epub by m\n"


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("md: answer ", "to Why?"), "md: answer to Why? from a.epub\n"),
        (("md: answer to Why?\n",), "md: answer to Why?\n from a.epub\n"),
        (
            ("what was cut ", "afterwards"),
            "what was cut afterwards\n\nmd: answer to Why? from a.epub\n",
        ),
    ],
)
def test_an_answer_is_streamed_to_a_terminal(
    pieces: tuple[str, ...],
    shown: str,
    infini: Infini,
    tasks: FakeTasks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks.pieces = pieces
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert infini("ask", "a.epub", "Why?").out == shown
    assert infini("ask", "a.epub", "Why?", "--json").out.startswith("json: ")


def test_a_book_memory_takes_the_place_of_the_book(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    memory = tmp_path / "a.infmem"
    assert infini("summarize", "--memory", memory, "-m", "m").out == "md: summary of None by m\n"
    assert tasks.requests[0].memory.memory == memory
    assert infini("summarize", "--memory", memory, "a.epub").code == 2


@pytest.mark.parametrize("choice", [("--upto", "3"), ("--chapters", "1,2"), ("--keep-all",)])
def test_a_memory_holds_what_was_read_of_its_book(
    choice: tuple[str, ...], infini: Infini, tasks: FakeTasks
) -> None:
    for verb in (("summarize",), ("ask", "Who?"), ("chat",)):
        outcome = infini(*verb, "--memory", "a.infmem", *choice)
        assert outcome.code == 2, verb
        assert f"`{choice[0]}` says what of a book is read" in outcome.err
        assert "infini read" in outcome.err
    assert (tasks.num_models, tasks.requests) == (0, [])
    # How the file is opened is another matter; a password may be in the environment.
    assert infini("summarize", "--memory", "a.infmem", "--password", "x").code == 0


def test_an_answer(infini: Infini, tasks: FakeTasks) -> None:
    outcome = infini("ask", "a.epub", "who?", "--memory-only")
    assert outcome.out == "md: answer to who? from a.epub\n"
    assert tasks.requests == [AnswerRequest(("who?",), memory_only=True)]


def test_questions_from_a_file_give_json_lines(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    questions = tmp_path / "q.txt"
    questions.write_text('who?\n\n{"question": "why?", "answer": "x"}\n')
    for extra in ([], ["-o", tmp_path / "answers.jsonl"]):
        outcome = infini("ask", "a.epub", "--questions", questions, *extra)
        text = (tmp_path / "answers.jsonl").read_text() if extra else outcome.out
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line["text"] for line in lines] == [
            "answer to who? from a.epub",
            "answer to why? from a.epub",
        ]
        assert all(line["schema"] == "infini/2" for line in lines)


@pytest.mark.parametrize(
    ("book", "question", "questions", "memory", "expected"),
    [
        ("b.epub", "q", None, None, (Path("b.epub"), ("q",))),
        ("q", None, None, "m.infmem", (None, ("q",))),
        (None, None, "file", "m.infmem", (None, ("from the file",))),
        ("b.epub", None, "file", None, (Path("b.epub"), ("from the file",))),
        ("b.epub", None, None, None, "no question given"),
        ("b.epub", "  ", None, None, "no question given"),
        ("b.epub", "q", None, "m.infmem", "not both"),
        ("b.epub", "q", "file", None, "not both"),
    ],
)
def test_book_and_question_are_told_apart(
    book: str | None,
    question: str | None,
    questions: str | None,
    memory: str | None,
    expected: Any,
    tmp_path: Path,
) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("from the file")
    arguments = (
        Path(book) if book else None,
        question,
        file if questions else None,
        Path(memory) if memory else None,
    )
    if isinstance(expected, str):
        with pytest.raises(UsageError, match=expected):
            ask_verb.sort_out(*arguments)
    else:
        assert ask_verb.sort_out(*arguments) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n \n", "no question"),
        (b'{"q": 1}', "line 1"),
        (b'a\n{"broken', "line 2"),
        (b'{"question": null}', "line 1"),
        (b'{"question": " "}', "line 1"),
        (b'{"question": ' + b"[" * 100_000, "line 1"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_bad_files_of_questions(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_questions(path)


def test_a_question_may_hold_any_line_end_but_its_own(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "Who\u2028wrote?"}\r\nWhy?\n', encoding="utf-8", newline="")
    assert read_questions(path) == ("Who\u2028wrote?", "Why?")


def test_read_names_the_memory_after_the_book(
    infini: Infini, tasks: FakeTasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = infini("read", "a.epub")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "wrote `a.infmem`, 6 bytes\n"
    assert tasks.requests == [ReadRequest(Path("a.infmem"))]
    assert json.loads(infini("read", "a.epub", "--json").out)["path"] == "a.infmem"


def test_a_grown_text_is_read_on(infini: Infini, tasks: FakeTasks, tmp_path: Path) -> None:
    old, new = tmp_path / "old.infmem", tmp_path / "new.infmem"
    outcome = infini("read", "a.epub", "--append", old, "-o", new)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.splitlines()[0] == "2 segments of 1,005 had been read before"
    assert tasks.requests == [ReadRequest(new, append=old)]


def test_read_from_stdin_needs_a_name(infini: Infini, tasks: FakeTasks) -> None:
    assert infini("read", "-").code == 2
    assert not tasks.requests


def test_a_batch_loads_one_model_goes_on_and_skips(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in ("a.epub", "bad.epub", "c.epub"):
        (shelf / name).write_text(name)
    out = tmp_path / "out"
    outcome = infini("batch", shelf, "-o", out, "-m", "m")
    assert outcome.code == 5
    assert outcome.out == ""
    assert "3 books: 2 done, 0 skipped, 1 failed" in outcome.err
    assert "error: 1 of 3 books failed\n\nhint: see `" in outcome.err
    assert tasks.num_models == 1
    assert (out / "a.md").read_text() == "md: summary of a.epub by m\n"
    again = infini("batch", shelf, "-o", out, "-m", "m", "--json")
    assert again.code == 5
    report = json.loads(again.out)
    assert [len(report[key]) for key in ("done", "skipped", "failed")] == [0, 2, 1]
    assert tasks.num_models == 1, "the model was loaded for nothing"
    (shelf / "bad.epub").unlink()
    assert infini("batch", shelf, "-o", out, "-m", "m", "-q").code == 0
    infini("batch", shelf, "-o", out, "-m", "m", "--length", "long")
    assert len(tasks.requests) == 4
    infini("batch", shelf, "-o", out, "-m", "m", "--length", "long", "--strict")
    assert [request.strict for request in tasks.requests] == [False] * 4 + [True] * 2


def test_a_batch_reads_small_books_together(
    infini: Infini, tasks: FakeTasks, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in ("a.epub", "b.epub", "bad.epub", "c.epub"):
        (shelf / name).write_text(name)
    assert infini("batch", shelf, "-o", tmp_path / "1", "-m", "m").code == 5
    assert tasks.together == [("a.epub", "b.epub", "c.epub")]
    # Nothing to decode, or nowhere to keep it.
    for number, options in enumerate(("--no-cache", "--method lead", "--method memory"), 2):
        infini("batch", shelf, "-o", tmp_path / str(number), "-m", "m", *options.split())
    assert len(tasks.together) == 1


def test_a_batch_from_a_list(infini: Infini, tasks: FakeTasks, tmp_path: Path) -> None:
    (tmp_path / "a.epub").write_text("a")
    names = f"{tmp_path / 'a.epub'}\n".encode()
    outcome = infini("batch", "--files-from", "-", "-o", tmp_path / "out", stdin=names)
    assert outcome.code == 0
    assert (tmp_path / "out" / "a.md").exists()
    assert infini("batch", "-", "-o", tmp_path / "out").code == 2


def test_a_batch_is_made_again_where_its_summaries_would_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, model = ReadingOptions(), ModelOptions()

    def hashed(request: SummaryRequest) -> str:
        return batch_summaries.hash_settings(reading, request, "md", model, "lead")

    plain = hashed(SummaryRequest("lead"))
    assert hashed(SummaryRequest("lead", explain=True)) == plain
    assert hashed(SummaryRequest("lead", strict=True)) != plain
    style = request_of("plot").style
    assert hashed(SummaryRequest("lead", style=style)) != plain
    monkeypatch.setattr(batch_summaries, "SCHEMA", "infini/1")
    assert hashed(SummaryRequest("lead")) != plain
