"""Write the results of tasks: whole or as they come, alone or together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.commands import engine
from infini_cli.commands.documents import to_json, to_json_line
from infini_cli.commands.options import ResultFormat
from infini_cli.ui.output import STDOUT
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.tasks.values import Summary


def write_streamed(
    terminal: Terminal,
    work: Callable[[engine.WriteText], engine.TaskResult],
    form: ResultFormat,
    output: Path | None,
) -> None:
    """Write one result: its first words as they come where a person watches, whole elsewhere.

    Args:
        terminal: where to.
        work: makes the result; takes the function that writes its first words, or None.
        form: `md` or `text`.
        output: a file, or None.
    """
    write_text(terminal, lambda write: engine.render(work(write), form), output)


def write_text(
    terminal: Terminal, work: Callable[[engine.WriteText], str], output: Path | None = None
) -> None:
    """Write a text: its first words as they come where a person watches, whole elsewhere.

    Args:
        terminal: where to.
        work: makes the text; takes the function that writes its first words, or None.
        output: a file, or None.
    """
    pieces: list[str] = []
    with terminal.stream(output) as write:

        def keep(piece: str) -> None:
            assert write is not None
            pieces.append(piece)
            write(piece)

        text = work(None if write is None else keep)
        if write is not None:
            written = "".join(pieces).rstrip()
            # What was cut afterwards is on the screen already: then all of it follows again.
            follows = text.startswith(written)
            write(text[len(written) :] if follows else "\n\n" + text)
            return
    terminal.write(text, output)


def write_summaries(
    terminal: Terminal,
    results: Iterable[Summary],
    form: ResultFormat,
    output: Path | None,
) -> Sequence[Summary]:
    """Write summaries one below the other, each when it is there, or as one JSON document.

    Args:
        terminal: where to.
        results: one at least; made as they are asked for.
        form: of the document.
        output: a file, which is written whole or not at all, or None.

    Returns:
        The summaries.
    """
    written: list[Summary] = []
    if form is ResultFormat.JSON:
        written += results
        if len(written) == 1:
            text = engine.render(written[0], form)
        else:
            text = to_json({"results": [result.to_dict() for result in written]})
        terminal.write(text, output)
        return written
    texts: list[str] = []
    is_streamed = output is None or output == STDOUT
    for result in results:
        written.append(result)
        texts.append(engine.render(result, form).rstrip("\n"))
        if is_streamed:
            # A blank line before each but the first.
            terminal.write(texts[-1] if len(texts) == 1 else "\n" + texts[-1])
    if not is_streamed:
        terminal.write("\n\n".join(texts), output)
    return written


def write_lines(
    terminal: Terminal, results: Iterable[engine.TaskResult], output: Path | None
) -> None:
    """Write results as JSON Lines: each when it is there, or all of them to a file."""
    lines = (to_json_line(result.to_dict()) for result in results)
    if output is not None:
        terminal.write("\n".join(lines), output)
        return
    for line in lines:
        terminal.write(line)
