"""Progress as bars on a terminal: the batch above, the book below, both gone at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from infini_cli.progress import BatchStep, Download, Event, Learn, Note, Read, Write
from infini_cli.text_safety import clean_line
from infini_cli.ui import phrases
from infini_cli.ui.plain import batch_line, learn_details

SECONDS_BETWEEN_FRAMES = 0.1
WIDTH_FOR_DETAILS = 60
WIDTH_FOR_BAR = 90
BAR_WIDTH = 24


class LiveDisplay:
    """A `Progress` that draws on standard error, which is a terminal.

    It draws only when an event comes and has no thread of its own: nothing runs beside the
    model, and nothing is drawn while text goes to standard output.

    Args:
        color: whether to colour.
        write_note: takes a line when the bars are not shown.
        write_warning: takes a warning; the bars make room for it.
        clock: gives seconds.
    """

    def __init__(
        self,
        *,
        color: bool,
        write_note: Callable[[str], None],
        write_warning: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # `force_terminal` is given so that FORCE_COLOR cannot change it. Markup, highlighting
        # and emoji codes are off: what is shown comes from books.
        self._console = Console(
            file=sys.stderr,
            force_terminal=True,
            no_color=not color,
            markup=False,
            highlight=False,
            emoji=False,
        )
        # The library would take standard output over, and a result that is redirected to a
        # file would land on the terminal instead.
        self._bars = Progress(
            _Description(),
            _Bar(self._console),
            _Percent(),
            _Details(self._console),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self._write_note = write_note
        self._write_warning = write_warning
        self._clock = clock
        self._frame_time = 0.0
        self._batch: TaskID | None = None
        self._work: TaskID | None = None
        self._work_key: tuple[str, str] | None = None
        self._is_suspended = False

    def __call__(self, event: Event) -> None:
        """Show an event; a terminal that is gone is no reason to fail."""
        try:
            self._take(event)
        except (OSError, ValueError):
            self._is_suspended = True

    def suspend(self) -> None:
        """Take the bars away until `resume`, so that text can be written."""
        self._is_suspended = True
        self._hide()

    def resume(self) -> None:
        """Show the bars again from the next event on."""
        self._is_suspended = False

    def close(self) -> None:
        """Take the bars away for good."""
        self.suspend()

    def _take(self, event: Event) -> None:
        match event:
            case Note():
                self._hide()
                (self._write_warning if event.warning else self._write_note)(event.text)
            case BatchStep():
                self._show_batch(event)
            case Download():
                key, done, total = ("fetch", event.name), event.done_bytes, event.total_bytes
                sizes = (
                    f"{phrases.size(done)} of {phrases.size(total)}"
                    if total
                    else phrases.size(done)
                )
                self._show_work(key, f"{event.doing} {event.name}", done, total, sizes)
            case Read():
                title = f"{event.book} · {event.chapter}" if event.chapter else event.book
                left = f"{phrases.duration(event.seconds_left)} left"
                details = _joined(phrases.rate(event.tokens_per_second), left)
                key = ("read", event.book)
                self._show_work(key, title, event.tokens, event.num_tokens, details)
            case Write():
                details = _joined(
                    f"{event.done} of {event.total}", phrases.rate(event.tokens_per_second)
                )
                key = ("write", event.what)
                self._show_work(key, f"writing {event.what}", event.done, event.total, details)
            case Learn():
                key, title = ("learn", event.recipe), f"learning {event.recipe}"
                self._show_work(key, title, event.step, event.num_steps, learn_details(event))

    def _show_batch(self, event: BatchStep) -> None:
        if event.outcome == "failed":
            self._hide()
            self._write_warning(batch_line(event))
        self._end_work()
        self._batch = self._show(
            self._batch,
            event.path,
            event.done,
            event.total,
            f"{event.done} of {phrases.count(event.total, event.noun)}",
        )
        self._draw(at_once=True)

    def _show_work(
        self, key: tuple[str, str], title: str, done: int, total: int, details: str
    ) -> None:
        is_new = key != self._work_key
        if is_new:
            self._end_work()
        self._work = self._show(self._work, title, done, total, details)
        self._work_key = key
        self._draw(at_once=is_new or 0 < total <= done)

    def _show(self, task: TaskID | None, title: str, done: int, total: int, details: str) -> TaskID:
        """Change a row, or add one; a total of 0 is unknown."""
        description = clean_line(title)
        if task is None:
            return self._bars.add_task(
                description, total=total or None, completed=done, details=details
            )
        self._bars.update(
            task, description=description, total=total or None, completed=done, details=details
        )
        return task

    def _end_work(self) -> None:
        if self._work is not None:
            self._bars.remove_task(self._work)
        self._work = self._work_key = None

    def _draw(self, *, at_once: bool) -> None:
        now = self._clock()
        if self._is_suspended or not (at_once or now >= self._frame_time + SECONDS_BETWEEN_FRAMES):
            return
        self._frame_time = now
        if not self._bars.live.is_started:
            self._bars.start()
        self._bars.refresh()

    def _hide(self) -> None:
        if self._bars.live.is_started:
            self._bars.stop()


class _Description(ProgressColumn):
    """What is being done, cut where the line ends."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))

    def render(self, task: Task) -> Text:
        return Text(task.description, overflow="ellipsis", no_wrap=True)


class _Bar(ProgressColumn):
    """A bar, where there is room for one."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def render(self, task: Task) -> RenderableType:
        if self._console.width < WIDTH_FOR_BAR:
            return Text("")
        return ProgressBar(total=task.total, completed=task.completed, width=BAR_WIDTH)


class _Percent(ProgressColumn):
    """The share done."""

    def render(self, task: Task) -> Text:
        share = phrases.percent(task.completed, task.total) if task.total else None
        return Text("" if share is None else f"{share:3} %", style="progress.percentage")


class _Details(ProgressColumn):
    """Rate and time left, or sizes."""

    def __init__(self, console: Console) -> None:
        super().__init__(table_column=Column(no_wrap=True, justify="right"))
        self._console = console

    def render(self, task: Task) -> Text:
        details = str(task.fields.get("details", ""))
        return Text(details if self._console.width >= WIDTH_FOR_DETAILS else "")


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
