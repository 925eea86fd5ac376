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
    """Write one result: as it comes where a person watches, whole elsewhere.

    Args:
        terminal: where to.
        work: makes the result; takes the function that writes pieces of it, or None.
        form: `md` or `text`.
        output: a file, or None.
    """
    with terminal.stream(output) as write:
        result = work(write)
    if write is None:
        terminal.write(engine.render(result, form), output)
    else:
        terminal.write(engine.render_footer(result, form))


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
