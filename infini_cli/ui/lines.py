"""Lines of standard input: typed at a prompt where a person sits, read as they are elsewhere."""

from __future__ import annotations

import sys
from contextlib import suppress

from infini_cli.errors import InputNotFound, InputTooLarge, UsageError
from infini_cli.ui.color import is_terminal
from infini_cli.ui.messages import write_line

PROMPT = "> "
MAX_LINE_BYTES = 64 * 1024


class LineReader:
    """Reads one line after the other.

    At a terminal lines are edited and recalled with the readline of Python's own library, where
    the system has it. What was typed is forgotten at the end and never written to disk.

    Args:
        has_prompt: whether a prompt is shown where both standard input and output are terminals;
            anywhere else it would be part of the result.

    Attributes:
        is_typed: whether a person types the lines.
    """

    def __init__(self, *, has_prompt: bool = True) -> None:
        self.is_typed = is_terminal(sys.stdin)
        is_shown = has_prompt and self.is_typed and is_terminal(sys.stdout)
        self._prompt = PROMPT if is_shown else ""
        self._number = 0
        if self.is_typed:
            with suppress(ImportError):  # Windows has none; its terminal edits lines itself
                import readline  # noqa: F401  (to import it is to use it)

    def read(self) -> str | None:
        """Give the next line without its end; None at the end of the input.

        Raises:
            InputNotFound: standard input is closed.
            InputTooLarge: a line is longer than any question.
            UsageError: it is not UTF-8.
            KeyboardInterrupt: the user pressed Ctrl-C.
        """
        self._number += 1
        return self._read_typed() if self.is_typed else self._read_piped()

    def _read_typed(self) -> str | None:
        try:
            return input(self._prompt)
        except EOFError:
            write_line("")  # what follows begins on a line of its own
            return None
        except KeyboardInterrupt:
            write_line("")
            raise
        except UnicodeDecodeError as error:
            raise self._no_utf8() from error

    def _read_piped(self) -> str | None:
        try:
            data = sys.stdin.buffer.readline(MAX_LINE_BYTES + 1)
        except (OSError, ValueError, AttributeError) as error:
            raise InputNotFound("standard input cannot be read", hint="pipe lines in") from error
        if not data:
            return None
        if len(data) > MAX_LINE_BYTES:
            raise InputTooLarge(
                f"line {self._number} of standard input is longer than {MAX_LINE_BYTES:,} bytes",
                hint="write one question a line",
            )
        try:
            return data.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise self._no_utf8() from error

    def _no_utf8(self) -> UsageError:
        return UsageError(
            f"line {self._number} of standard input is not UTF-8 text", hint="save it as UTF-8"
        )
