"""`infini batch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infini_cli.batch.files import collect_books, read_list
from infini_cli.batch.run import Report, run_batch
from infini_cli.batch.work import Work
from infini_cli.commands.batch_status import status
from infini_cli.commands.batch_summaries import Summaries, hash_settings
from infini_cli.commands.default_group import DefaultGroup
from infini_cli.commands.documents import to_json
from infini_cli.commands.inputs import STDIN, read_text_file
from infini_cli.commands.options import (
    Format,
    Json,
    MemoryOptions,
    ModelOptions,
    ReadingOptions,
    ResultFormat,
    WritingOptions,
)
from infini_cli.commands.summarize import (
    METHODS_WITHOUT_MODEL,
    By,
    Length,
    Method,
    MethodOption,
    Strict,
    StyleOption,
    summary_request,
)
from infini_cli.commands.verb import HELP, verb
from infini_cli.errors import BatchFailures, UsageError
from infini_cli.ui import phrases
from infini_cli.ui.terminal import Terminal

Books = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Books, folders of books, patterns such as `*.epub`."),
]
Folder = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="Folder for the summaries and the ledger.", metavar="FOLDER"
    ),
]
FilesFrom = Annotated[
    Path | None,
    typer.Option(
        "--files-from",
        help="Read paths from this file, one a line or NUL-separated; `-` for standard input.",
        metavar="FILE",
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="The most books to take.", metavar="NUMBER")
]
Redo = Annotated[bool, typer.Option("--redo", help="Do finished books again.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", min=0.001, help="The most seconds that a book may take.", metavar="SECONDS"
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", min=1, max=256, help="Books at a time, a process each.", metavar="NUMBER"
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        help="Work on this Ray cluster, `--jobs` books at a time; `local` begins one here.",
        metavar="ADDRESS",
    ),
]
MAX_TOGETHER = 24
"""Short books that are read side by side."""

FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")]


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    writing: WritingOptions,
    output: Folder,
    books: Books = None,
    files_from: FilesFrom = None,
    style: StyleOption = None,
    method: MethodOption = None,
    length: Length = None,
    by: By = None,
    strict: Strict = None,
    form: Format = ResultFormat.MARKDOWN,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep memories of the books.")
    ] = False,
    limit: Limit = None,
    redo: Redo = False,
    fail_fast: FailFast = False,
    timeout: Timeout = None,
    jobs: Jobs = 1,
    ray: Ray = None,
    json: Json = False,
) -> None:
    """Summarise many books into a folder.

    Finished books are skipped, and a book that fails does not stop the others.
    """
    paths = collect_books(_arguments(books, files_from), without=output, limit=limit)
    request = summary_request(
        method, length, by, writing, MemoryOptions(no_cache=no_cache), style=style, strict=strict
    )
    summaries = Summaries(reading, request, form, model, terminal.settings)
    writes_notes = request.method not in (*METHODS_WITHOUT_MODEL, Method.MEMORY)
    is_together = writes_notes and not no_cache
    with terminal.progress() as progress:
        report = run_batch(
            paths,
            output,
            Work(summaries.make, summaries.prepare if is_together else None, timeout),
            settings=hash_settings(reading, request, form, model, request.method),
            suffix=f".{'txt' if form is ResultFormat.TEXT else form.value}",
            redo=redo,
            fail_fast=fail_fast,
            num_jobs=jobs,
            ray_address=ray,
            max_unit=MAX_TOGETHER if is_together else 1,
            progress=progress,
        )
    _tell(report, terminal, json)


def _arguments(books: list[Path] | None, files_from: Path | None) -> list[Path]:
    arguments = list(books or ())
    if STDIN in arguments:
        raise UsageError(
            "a batch takes no book from standard input", hint="use `infini summarize -`"
        )
    if files_from is not None:
        arguments += read_list(read_text_file(files_from))
    return arguments


def _tell(report: Report, terminal: Terminal, json: bool) -> None:
    """Tell how it went; what failed is an error."""
    if json:
        terminal.write(
            to_json(
                {
                    "num_books": report.num_books,
                    "done": [str(path) for path in report.done],
                    "skipped": [str(path) for path in report.skipped],
                    "failed": [
                        {
                            "path": str(failure.path),
                            "message": failure.error.message,
                            "hint": failure.error.hint,
                            "exit_code": failure.error.exit_code,
                        }
                        for failure in report.failed
                    ],
                    "ledger": str(report.ledger),
                }
            )
        )
    else:
        terminal.note(
            f"{phrases.count(report.num_books, 'book')}: {len(report.done)} done, "
            f"{len(report.skipped)} skipped, {len(report.failed)} failed"
        )
    for failure in report.failed:
        terminal.warn(failure.error.message)
    if report.failed:
        raise BatchFailures(
            f"{len(report.failed)} of {phrases.count(report.num_books, 'book')} failed",
            hint=f"see `{report.ledger}`; run the same command again to try them once more",
        )


app = typer.Typer(
    cls=DefaultGroup,
    name="batch",
    help="Summarise many books into a folder.\n\n`infini batch PATH` is `infini batch run PATH`.",
    add_completion=False,
    context_settings=HELP,
    rich_markup_mode=None,
)
app.command("run", context_settings=HELP)(command)
app.command("status", context_settings=HELP)(status)
