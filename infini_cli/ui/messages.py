"""Lines on standard error: errors, hints, warnings, notes."""

from __future__ import annotations

import sys
from contextlib import suppress

from infini_cli.text_safety import clean_line
from infini_cli.ui.color import ColorChoice, wants_color

_STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "hint": "\x1b[1;36m"}
_RESET = "\x1b[0m"


def write_error(message: str, hint: str | None, color: ColorChoice) -> None:
    """Write `error: what`, a blank line and `hint: what to do`."""
    lines = [_labelled("error", message, color)]
    if hint:
        lines += ["", _labelled("hint", hint, color)]
    write_line("\n".join(lines))


def write_warning(message: str, color: ColorChoice) -> None:
    """Write `warning: what`."""
    write_line(_labelled("warning", message, color))


def write_note(message: str) -> None:
    """Write a line that is neither."""
    write_line(clean_line(message))


def write_outline(text: str) -> None:
    """Write lines whose indentation says what belongs to what."""
    lines = text.split("\n")
    indents = (" " * (len(line) - len(line.lstrip(" "))) for line in lines)
    cleaned = (indent + clean_line(line) for indent, line in zip(indents, lines, strict=True))
    write_line("\n".join(line.rstrip() for line in cleaned))


def write_line(line: str) -> None:
    """Write to standard error; that it is closed or full is no reason to fail."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _labelled(label: str, message: str, color: ColorChoice) -> str:
    style, reset = (_STYLES[label], _RESET) if wants_color(sys.stderr, color) else ("", "")
    return f"{style}{label}:{reset} {clean_line(message)}"
