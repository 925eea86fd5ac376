"""What a command talks to: its results go out here, its progress is shown here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.progress import Event, Note, Progress, silent
from infini_cli.text_safety import clean_text
from infini_cli.ui import messages
from infini_cli.ui.color import ColorChoice, is_dumb, is_terminal, wants_color
from infini_cli.ui.output import STDOUT, flush_stdout, write_result, write_stdout
from infini_cli.ui.plain import PlainDisplay
from infini_cli.ui.tables import TableColumn, render_table

if TYPE_CHECKING:
    from infini_cli.ui.live import LiveDisplay

NO_PROGRESS_VARIABLE = "INFINI_NO_PROGRESS"
DEBUG = 2


@dataclass(slots=True)
class Settings:
    """What the options that every command has say.

    Attributes:
        quiet: nothing but errors.
        verbosity: 0; 1 tells decisions; 2 tells everything, tracebacks included.
        no_progress: no bars and no progress lines.
        color: whether to colour.
    """

    quiet: bool = False
    verbosity: int = 0
    no_progress: bool = False
    color: ColorChoice = ColorChoice.AUTO

    @property
    def is_debugging(self) -> bool:
        """Whether a bug is shown with its traceback."""
        return self.verbosity >= DEBUG


class Terminal:
    """The terminal, or the files and pipes that stand in for it.

    Args:
        settings: what the user asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._display: LiveDisplay | None = None

    def write(self, text: str | Iterable[str], destination: Path | None = None) -> None:
        """Write a result; see `write_result`."""
        with self._room_for_text():
            write_result(text, destination)

    def write_table(self, columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> None:
        """Write a small table as the result."""
        color = wants_color(sys.stdout, self.settings.color)
        with self._room_for_text():
            write_result(render_table(columns, rows, color=color), is_safe=True)

    def note(self, text: str) -> None:
        """Tell the user one line on standard error."""
        if not self.settings.quiet:
            with self._room_for_text():
                messages.write_note(text)

    def outline(self, text: str) -> None:
        """Tell the user indented lines on standard error."""
        if not self.settings.quiet:
            with self._room_for_text():
                messages.write_outline(text)

    def detail(self, text: str) -> None:
        """Tell a decision to whoever asked for them with `-v`."""
        if self.settings.verbosity:
            self.note(text)

    def warn(self, text: str) -> None:
        """Warn the user."""
        if not self.settings.quiet:
            with self._room_for_text():
                messages.write_warning(text, self.settings.color)

    def error(self, text: str, hint: str | None) -> None:
        """Tell what went wrong where the program goes on nevertheless."""
        with self._room_for_text():
            messages.write_error(text, hint, self.settings.color)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show progress while the block runs: bars on a terminal, plain lines elsewhere."""
        if self.settings.quiet:
            yield silent
            return
        if self.settings.no_progress or os.environ.get(NO_PROGRESS_VARIABLE):
            yield _Notes(self)
            return
        if not is_terminal(sys.stderr) or is_dumb():
            yield PlainDisplay(messages.write_note, self.warn)
            return
        from infini_cli.ui.live import LiveDisplay

        display = LiveDisplay(
            color=wants_color(sys.stderr, self.settings.color),
            write_note=messages.write_note,
            write_warning=lambda text: messages.write_warning(text, self.settings.color),
        )
        self._display = display
        try:
            yield display
        finally:
            self._display = None
            display.close()

    @contextmanager
    def stream(self, destination: Path | None = None) -> Iterator[Callable[[str], None] | None]:
        """Give a function that writes text as it comes, where someone watches it come.

        From the first piece on until the block ends no progress is drawn, so that the two do
        not mix.

        Args:
            destination: where the whole result is to go.

        Yields:
            A function that takes pieces of text; None where standard output is no terminal or
            is not the destination: the result is then written whole, with `write`.
        """
        if not is_terminal(sys.stdout) or destination not in (None, STDOUT):
            yield None
            return
        stream = _TextStream(self._display)
        try:
            yield stream
        finally:
            stream.close()

    @contextmanager
    def _room_for_text(self) -> Iterator[None]:
        if self._display is None:
            yield
            return
        self._display.suspend()
        try:
            yield
        finally:
            if self._display is not None:
                self._display.resume()


class _TextStream:
    """Text on the terminal as it is written, the bars out of its way."""

    def __init__(self, display: LiveDisplay | None) -> None:
        self._display = display
        self._last = ""

    def __call__(self, piece: str) -> None:
        cleaned = clean_text(piece)
        if not cleaned:
            return
        if not self._last and self._display is not None:
            self._display.suspend()
        write_stdout(cleaned)
        flush_stdout()
        self._last = cleaned[-1]

    def close(self) -> None:
        """End the last line and let the bars come back."""
        if self._last not in ("", "\n"):
            write_stdout("\n")
            flush_stdout()
        if self._last and self._display is not None:
            self._display.resume()


class _Notes:
    """A `Progress` that tells notes and warnings and nothing else."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, event: Event) -> None:
        if isinstance(event, Note):
            (self._terminal.warn if event.warning else self._terminal.note)(event.text)
