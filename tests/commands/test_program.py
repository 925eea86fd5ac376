"""The program as a whole: help, errors, exit codes, signals, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from infini_cli import errors
from infini_cli.commands import version
from infini_cli.commands.lazy_group import VERBS
from infini_cli.commands.verb import verb
from infini_cli.ui.terminal import Terminal
from tests.commands.run import Infini, Stdin

GROUPS = {"models", "memory"}
ERRORS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.InfiniError)
]


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `infini version` end in an error."""

    @verb
    def command(terminal: Terminal) -> None:
        raise error

    monkeypatch.setattr(version, "command", command)


@pytest.mark.parametrize("name", list(VERBS))
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_verb_has_help_that_begins_with_its_summary(
    name: str, flag: str, infini: Infini
) -> None:
    outcome = infini(name, flag)
    assert outcome.code == 0
    assert outcome.err == ""
    assert " ".join(VERBS[name].split()) in " ".join(outcome.out.split())


def test_help_names_every_verb_and_exit_code(infini: Infini) -> None:
    outcome = infini("--help")
    assert outcome.code == 0
    assert all(f"\n  {name} " in outcome.out for name in VERBS)
    assert all(f"{code} " in outcome.out for code in (0, 1, 2, 3, 4, 5, 130))


def test_no_verb_is_help_and_exit_code_2(infini: Infini) -> None:
    outcome = infini()
    assert (outcome.code, outcome.out) == (2, "")
    assert "Commands:" in outcome.err


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_a_group_alone_is_help_and_exit_code_2(name: str, infini: Infini) -> None:
    outcome = infini(name)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Commands:" in outcome.err


@pytest.mark.parametrize("name", ["summarize", "ask", "read", "toc", "extract", "tokens"])
def test_no_book_and_nobody_to_type_one_is_help_and_exit_code_2(name: str, infini: Infini) -> None:
    outcome = infini(name, stdin=Stdin(is_terminal=True))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"Usage: infini {name}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["summarise"], "no such command `summarise`. Did you mean `summarize`?"),
        (["toc", "--nope"], "no such option: --nope"),
        (["toc", "--upto", "0", "x"], "invalid value for `--upto`"),
        (["toc", "--upto", "many", "x"], "invalid value for `--upto`"),
        (["toc", "--type", "djvu", "x"], "invalid value for `--type`"),
        (["summarize", "--method", "magic", "x"], "invalid value for `--method`"),
        (["summarize", "--top-p", "2", "x"], "invalid value for `--top-p`"),
        (["toc", "a", "b"], "unexpected extra argument"),
        (["batch", "x"], "missing option `--output"),
        (["models", "steal"], "no such command `steal`"),
    ],
)
def test_usage_errors(arguments: list[str], message: str, infini: Infini) -> None:
    outcome = infini(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    lines = outcome.err.splitlines()
    assert message in lines[0].replace('"', "`")
    assert lines[0].startswith("error: ")
    assert lines[1] == ""
    assert lines[2].startswith("hint: see `infini")
    assert len(lines) == 3


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code(
    kind: type[errors.InfiniError], infini: Infini, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(kind("`x` is \x1b[31mbroken", hint="mend it"), monkeypatch)
    outcome = infini("version")
    assert outcome.code == kind.exit_code
    assert outcome.err == "error: `x` is broken\n\nhint: mend it\n"
    assert outcome.out == ""


def test_exit_codes_are_those_of_the_contract() -> None:
    assert {kind.__name__: kind.exit_code for kind in ERRORS} == {
        "InfiniError": 1,
        "UsageError": 2,
        "InputError": 3,
        "InputNotFound": 3,
        "UnsupportedFormat": 3,
        "ProtectedInput": 3,
        "EncryptedInput": 3,
        "NoTextInput": 3,
        "DamagedInput": 3,
        "InputTooLarge": 3,
        "ModelError": 4,
        "ModelNotFound": 4,
        "ModelIncompatible": 4,
        "MemoryMismatch": 4,
        "BatchFailures": 5,
        "Interrupted": 130,
    }


def test_a_bug_is_one_line_and_a_hint(infini: Infini, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(ValueError("two\nlines"), monkeypatch)
    outcome = infini("version")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "error: internal error: ValueError: two lines",
        "",
        "hint: this is a bug; run it again with -vv to see where it happened",
    ]


@pytest.mark.parametrize(
    "arguments", [["version", "-vv"], ["-vv", "version"], ["-v", "version", "-vv"]]
)
def test_a_traceback_comes_with_vv_alone(
    arguments: list[str], infini: Infini, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(ValueError("wrong"), monkeypatch)
    assert "Traceback" in infini(*arguments).err
    assert "Traceback" not in infini("version", "-v").err


def test_a_lack_of_memory_is_told_plainly(infini: Infini, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(MemoryError(), monkeypatch)
    assert infini("version").err.startswith("error: out of memory\n\nhint: ")


def test_an_interrupt_is_exit_code_130(infini: Infini, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)
    outcome = infini("version")
    assert (outcome.code, outcome.err) == (130, "error: interrupted\n")


def test_color_of_errors(infini: Infini) -> None:
    assert infini("toc", "--nope", "--color", "always").err.startswith("error: ")
    colored = infini("--color", "always", "toc", "/nowhere.txt").err
    assert colored.startswith("\x1b[1;31merror:\x1b[0m ")
    assert "\x1b" not in infini("toc", "/nowhere.txt", "--color", "auto").err


def test_version(infini: Infini) -> None:
    assert infini("--version").out == infini("version").out
    assert infini("version").out.startswith("infini ")
    values = json.loads(infini("version", "--json").out)
    assert values["schema"] == "infini/2"
    assert infini("version").out == f"infini {values['versions']['infini']}\n"


def test_settings_before_and_after_the_verb_add_up(
    infini: Infini, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    @verb
    def command(terminal: Terminal) -> None:
        seen.append(terminal.settings)

    monkeypatch.setattr(version, "command", command)
    infini("-q", "-v", "version", "--no-progress", "--color", "never")
    assert (seen[0].quiet, seen[0].verbosity, seen[0].no_progress) == (True, 1, True)
    assert seen[0].color == "never"


def test_quiet_keeps_errors(infini: Infini) -> None:
    assert infini("-q", "toc", "/nowhere.txt").err.startswith("error: ")


SLEEPER = textwrap.dedent(
    """
    import signal, sys, time
    # A shell script's background jobs start with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from infini_cli.commands import version
    from infini_cli.commands.verb import verb
    from infini_cli.errors import Interrupted
    from infini_cli.ui.terminal import Terminal
    from infini_cli.__main__ import main

    def command(terminal: Terminal) -> None:
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt as error:
            raise Interrupted("stopped", hint="run it again to go on") from error

    version.command = verb(command)
    sys.exit(main(["version"]))
    """
)


@pytest.mark.skipif(os.name != "posix", reason="signals are a thing of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_take_the_path_that_saves(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b"error: stopped\n\nhint: run it again to go on\n"


WRITER = textwrap.dedent(
    """
    import sys
    from infini_cli.commands import version
    from infini_cli.commands.verb import verb
    from infini_cli.ui.terminal import Terminal
    from infini_cli.__main__ import main

    def command(terminal: Terminal) -> None:
        terminal.write(f"line {number}\\n" for number in range(int(sys.argv[1])))

    version.command = verb(command)
    sys.exit(main(["version"]))
    """
)


@pytest.mark.skipif(os.name != "posix", reason="pipes close differently elsewhere")
@pytest.mark.parametrize("num_lines", [1, 100_000])
def test_a_closed_pipe_is_no_error(num_lines: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(num_lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes close differently elsewhere")
def test_help_into_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "infini_cli", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-c", WRITER, "10"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert process.returncode == 1
    assert process.stderr.startswith(b"error: cannot write to standard output: No space left")


@pytest.mark.parametrize("variables", [{"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}])
def test_output_is_utf8_everywhere(variables: dict[str, str], book: Path) -> None:
    script = WRITER.replace('f"line {number}\\n"', '"é日本\\n"')
    process = subprocess.run(
        [sys.executable, "-c", script, "1"],
        capture_output=True,
        check=True,
        env={**os.environ, **variables},
    )
    assert process.stdout == "é日本\n".encode()
