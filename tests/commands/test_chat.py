"""`infini chat` over pipes and at a terminal, by a model that writes nonsense."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from infini_cli.commands import engine
from infini_cli.schema import SCHEMA
from infini_cli.ui import output
from tests.commands.run import Infini
from tests.tasks.tiny import build_model, open_tiny

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = str(Path(__file__).with_name("talk.py"))
SECONDS_TO_HEAR = 2
MOST_SECONDS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(autouse=True)
def tiny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    model = open_tiny(folder)
    monkeypatch.setattr(engine, "open_model", lambda options, progress: model)
    yield
    torch.set_num_threads(threads)


QUESTIONS = b"What is chapter 2 about?\n\n  And then?  \n"


def test_questions_from_a_pipe_give_a_line_each(infini: Infini, book: Path) -> None:
    outcome = infini("chat", book, "-q", stdin=QUESTIONS)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert len(lines) == 2
    assert all(lines)
    assert ">" not in outcome.out[:2]
    told = infini("chat", book, stdin=QUESTIONS)
    assert told.out == outcome.out
    assert "A Small Book: read" in told.err
    assert "/help" not in told.err


def test_json_gives_an_object_a_line(infini: Infini, book: Path) -> None:
    lines = b"What is chapter 2 about?\n/chapter 3\nAnd then?\n/sources\n"
    outcome = infini("chat", book, "--json", "-q", stdin=lines)
    first, second, sources = map(json.loads, outcome.out.splitlines())
    assert first["schema"] == sources["schema"] == SCHEMA
    assert (first["question"], first["chapter"]) == ("What is chapter 2 about?", None)
    assert (second["question"], second["chapter"]) == ("And then?", "3")
    assert second["coverage"]["num_chapters"] == 1
    assert sources["citations"] == second["citations"]


def test_quit_leaves_what_follows_unanswered(infini: Infini, book: Path) -> None:
    outcome = infini("chat", book, stdin=b"/quit\nWhat is chapter 2 about?\n")
    assert (outcome.code, outcome.out) == (0, "")


def test_a_limit_is_told(infini: Infini, book: Path) -> None:
    outcome = infini("chat", book, stdin=b"/chapter\n/chapter 2\n/chapter\n/chapter all\n")
    told = [line for line in outcome.err.splitlines() if line.startswith("answers come")]
    assert told == [
        "answers come from the whole book",
        "answers come from chapter 2 alone: Chapter 2: Part 2",
        "answers come from chapter 2 alone: Chapter 2: Part 2",
        "answers come from the whole book",
    ]
    assert outcome.out == ""


def test_help_names_every_command(infini: Infini, book: Path) -> None:
    outcome = infini("chat", book, stdin=b"/help\n")
    for name in ("/sources", "/chapter N", "/chapter all", "/save FILE", "/help", "/quit"):
        assert f"\n  {name}: " in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("/nothing at all", "there is no command `/nothing`", "/help"),
        ("/chapter 99", "no chapter `99` is read", "infini toc"),
        ("/sources", "there is no answer yet", "ask"),
        ("/save x.md", "there is nothing to save", "ask"),
        ("/save", "no file given", "/save talk.md"),
        ("why " * 3000, "tokens, too many for the model's window", "fewer words"),
    ],
)
def test_a_wrong_line_is_told_and_the_next_one_taken(
    line: str, message: str, hint: str, infini: Infini, book: Path
) -> None:
    lines = f"{line}\nWhat is chapter 2 about?\n"
    outcome = infini("chat", book, "-q", stdin=lines.encode())
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 1
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert hint in outcome.err.split("hint: ")[1]


def test_a_conversation_is_kept_whole(infini: Infini, book: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept here" / "talk"
    lines = f'What is chapter 2 about?\n/save {target}.md\n/save "{target}.JSON"\n'
    outcome = infini("chat", book, stdin=lines.encode())
    assert outcome.code == 0
    answer = outcome.out.strip()
    text = target.with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith("# A Small Book: questions and answers\n\n## What is chapter 2 about?\n")
    assert text.endswith(" s.*\n")
    document = json.loads(target.with_suffix(".JSON").read_text(encoding="utf-8"))
    assert document["kind"] == "conversation"
    (turn,) = document["turns"]
    assert answer.startswith(" ".join((turn["answer"] or "Not found in this book.").split()))
    assert sorted(path.name for path in target.parent.iterdir()) == ["talk.JSON", "talk.md"]


def test_nothing_is_written_over_the_book(infini: Infini, book: Path, tmp_path: Path) -> None:
    before = book.read_bytes()
    lines = f"What is chapter 2 about?\n/save {book}\n/save {tmp_path}\n"
    outcome = infini("chat", book, stdin=lines.encode())
    assert outcome.code == 0
    assert book.read_bytes() == before
    assert outcome.err.count("error: ") == 2
    assert "is the input itself" in outcome.err
    assert outcome.err.count("hint: name another file\n") == 2


def test_a_full_disk_ends_no_conversation(
    infini: Infini, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "write_atomically", full)
    lines = f"What is chapter 2 about?\n/save {tmp_path / 'talk.md'}\nAnd then?\n"
    outcome = infini("chat", book, "-q", stdin=lines.encode())
    assert outcome.code == 0
    assert "No space left" in outcome.err
    assert len(outcome.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"\xff\xfe\n", 2, "line 1 of standard input is not UTF-8"),
        (b"why?\n" + b"x" * 70_000, 3, "line 2 of standard input is longer"),
    ],
)
def test_input_that_is_no_text(
    data: bytes, code: int, message: str, infini: Infini, book: Path
) -> None:
    outcome = infini("chat", book, stdin=data)
    assert outcome.code == code
    assert message in outcome.err


@pytest.mark.parametrize(
    "arguments", [["chat"], ["chat", "-"], ["chat", "b.epub", "--memory", "m"]]
)
def test_the_book_is_named(arguments: list[str], infini: Infini) -> None:
    outcome = infini(*arguments, stdin=b"Who?\n")
    assert outcome.code == 2
    assert "error: " in outcome.err


class Spoken:
    """A process that talks on a pseudo-terminal, the model a stand-in that can be slow."""

    def __init__(self, book: Path, home: Path) -> None:
        pty = pytest.importorskip("pty", reason="pseudo-terminals are a thing of Unix")
        self._parent, child = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "INFINI_HOME": str(home), "HOME": str(home)}
        self._process = subprocess.Popen(
            [sys.executable, STAND_IN, "chat", str(book)],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}"},
            stdin=child,
            stdout=child,
            stderr=child,
        )
        os.close(child)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read on until a text comes; what came is kept in `seen`."""
        self.seen = ""
        while text not in self.seen:
            assert self._says_something(MOST_SECONDS), f"only {self.seen!r} came"
            self.seen += os.read(self._parent, 65536).decode().replace("\r\n", "\n")

    def _says_something(self, seconds: float) -> bool:
        return bool(select.select([self._parent], [], [], seconds)[0])

    def say(self, line: str) -> None:
        os.write(self._parent, line.encode() + b"\n")

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self._process.send_signal(number)

    def interrupt_until_heard(self) -> None:
        """Press Ctrl-C at the prompt, and again where nothing comes of it.

        Python's readline shows its prompt and then waits for a key. A signal that comes between
        the two is noticed with the next key or the next signal.
        """
        for _ in range(MOST_SECONDS // SECONDS_TO_HEAR):
            self.interrupt()
            if self._says_something(SECONDS_TO_HEAR):
                return
        raise AssertionError("it hears no Ctrl-C")

    def end(self) -> int:
        """Read to the end and give the exit code."""
        with suppress(OSError):  # what Linux says when the other end is closed
            while self._says_something(MOST_SECONDS) and (piece := os.read(self._parent, 65536)):
                self.seen += piece.decode()
        return self._process.wait(timeout=60)

    def clear_away(self) -> None:
        """Leave no process behind, however the test ended."""
        self._process.kill()
        self._process.wait()
        os.close(self._parent)


@pytest.fixture
def spoken(book: Path, tmp_path: Path) -> Iterator[Spoken]:
    process = Spoken(book, tmp_path / "home")
    yield process
    process.clear_away()


def test_a_conversation_at_a_terminal(spoken: Spoken, tmp_path: Path) -> None:
    spoken.wait_for("\n> ")
    assert "`/help` lists the commands" in spoken.seen
    spoken.say("Who is it?")
    spoken.wait_for("\n> ")
    assert "Who is it?\nAn answer. [1]\n" in spoken.seen
    spoken.say("\x04")
    assert spoken.end() == 0
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"Who is it" in path.read_bytes()]


def test_ctrl_c_gives_an_answer_up_and_comes_back(spoken: Spoken) -> None:
    spoken.wait_for("\n> ")
    spoken.say("Be slow.")
    spoken.wait_for("Well,")
    spoken.interrupt()
    spoken.wait_for("\n> ")
    assert "given up" in spoken.seen
    spoken.say("Who is it?")
    spoken.wait_for("\n> ")
    assert "An answer. [1]\n" in spoken.seen, "the question given up is no turn"
    spoken.say("/quit")
    assert spoken.end() == 0


def test_ctrl_c_at_the_prompt_leaves(spoken: Spoken) -> None:
    spoken.wait_for("\n> ")
    spoken.interrupt_until_heard()
    assert spoken.end() == 130
    assert "interrupted" in spoken.seen


def test_a_stop_from_outside_ends_an_answer_and_the_program(spoken: Spoken) -> None:
    spoken.wait_for("\n> ")
    spoken.say("Be slow.")
    spoken.wait_for("Well,")
    spoken.interrupt(signal.SIGTERM)
    assert spoken.end() == 130
    assert "given up" not in spoken.seen
