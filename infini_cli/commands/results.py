"""Write the results of tasks: whole or as they come, alone or together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from infini_cli.commands import engine
from infini_cli.commands.documents import to_json, to_json_line
from infini_cli.commands.options import ResultFormat
from infini_cli.ui.terminal import Terminal


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


def write_results(
    terminal: Terminal,
    results: Sequence[engine.TaskResult],
    form: ResultFormat,
    output: Path | None,
) -> None:
    """Write results one below the other, or as one JSON document."""
    if form is ResultFormat.JSON and len(results) > 1:
        document = to_json({"results": [result.to_dict() for result in results]})
        terminal.write(document, output)
        return
    texts = (engine.render(result, form).rstrip("\n") for result in results)
    terminal.write("\n\n".join(texts), output)


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
