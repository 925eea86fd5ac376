from __future__ import annotations

import io

import pytest

from infini_cli.ui.color import ColorChoice, is_dumb, is_terminal, wants_color


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environment", "on_terminal", "in_pipe"),
    [
        (ColorChoice.AUTO, {"TERM": "xterm"}, True, False),
        (ColorChoice.AUTO, {"TERM": "dumb"}, False, False),
        (ColorChoice.AUTO, {"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        (ColorChoice.AUTO, {"TERM": "xterm", "NO_COLOR": ""}, True, False),
        (ColorChoice.AUTO, {"FORCE_COLOR": "1"}, True, True),
        (ColorChoice.AUTO, {"FORCE_COLOR": "0", "TERM": "xterm"}, False, False),
        (ColorChoice.AUTO, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (ColorChoice.ALWAYS, {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        (ColorChoice.NEVER, {"FORCE_COLOR": "1", "TERM": "xterm"}, False, False),
    ],
)
def test_who_decides(
    choice: ColorChoice, environment: dict[str, str], on_terminal: bool, in_pipe: bool
) -> None:
    assert wants_color(FakeTerminal(), choice, environment) is on_terminal
    assert wants_color(io.StringIO(), choice, environment) is in_pipe


def test_a_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream)


def test_dumb_terminals() -> None:
    assert is_dumb({"TERM": "dumb"})
    assert not is_dumb({"TERM": "xterm-256color"})
    assert not is_dumb({})
