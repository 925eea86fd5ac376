"""`infini eval summaries` and `infini eval qa`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infini_cli.commands.eval_options import parse_shares, protect
from infini_cli.commands.eval_systems import TextOptions, parse_systems, write_systems
from infini_cli.commands.options import Json, ModelOptions, Output
from infini_cli.commands.verb import verb
from infini_cli.errors import UsageError
from infini_cli.progress import Once
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.evaluation.readings import Readings
    from infini_cli.progress import Progress
    from infini_cli.tasks.model import Model

DEFAULT_WINDOW = 4096


@verb
def summaries(
    terminal: Terminal,
    model: ModelOptions,
    options: TextOptions,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Texts and reference summaries, JSON Lines.")
    ],
    systems: Annotated[
        str,
        typer.Option(
            "--systems",
            help="Methods of `infini summarize`, and the base as `chunks` and `truncated`.",
            metavar="LIST",
        ),
    ] = "memory,notes,hierarchical,incremental,chunks,truncated,lead,textrank",
    window: Annotated[
        int | None,
        typer.Option(
            "--window",
            min=256,
            help="Tokens that `truncated` takes in; 4096 or what the base can where not given.",
            metavar="TOKENS",
        ),
    ] = None,
    share: Annotated[
        str,
        typer.Option(
            "--share",
            help="Read only the first part of each text, in per cent; several: `10,25,50,100`.",
            metavar="LIST",
        ),
    ] = "100",
    json: Json = False,
    output: Output = None,
) -> None:
    """Measure summaries by several systems against those that people wrote."""
    from infini_cli.commands import engine
    from infini_cli.evaluation import summaries as evaluation
    from infini_cli.evaluation.items import in_parts
    from infini_cli.evaluation.layouts import read_summary_items
    from infini_cli.evaluation.ledger import Ledger
    from infini_cli.evaluation.results import Result, gather
    from infini_cli.evaluation.summary_measures import COMBINED, open_rouge
    from infini_cli.tasks.extractive import METHODS as EXTRACTIVE_METHODS
    from infini_cli.tasks.requests import SamplingRequest

    wanted, shares = parse_systems(systems, evaluation.SYSTEMS), parse_shares(share)
    protect((file,), options.ledger, output, options.plot)
    items = read_summary_items(file, library=options.book_folder, book=options.whole_book)
    items = in_parts(items[: options.limit], shares)
    rouge, ledger = open_rouge(), Ledger(options.ledger, Result)
    needs_model = set(wanted) - set(EXTRACTIVE_METHODS)
    with terminal.progress() as shown:
        progress = Once(shown)
        loaded = engine.open_model(model, progress) if needs_model else None
        size = _window(window, loaded)
        with _readings(loaded, progress) as readings:
            sampling = SamplingRequest(seed=options.seed)
            writer = evaluation.SummaryWriter(loaded, readings, progress, sampling, size)
            results = evaluation.evaluate_summaries(items, wanted, writer, ledger, rouge)
            found = gather(results, wanted, seed=options.seed, combined=COMBINED)
    settings = {"window": size if "truncated" in wanted else None}
    write_systems(terminal, "summaries", loaded, found, options, settings, json=json, output=output)


@verb
def qa(
    terminal: Terminal,
    model: ModelOptions,
    options: TextOptions,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Texts, questions and answers, JSON Lines.")
    ],
    systems: Annotated[
        str,
        typer.Option("--systems", help="`passages`, `memory-only`, `base`.", metavar="LIST"),
    ] = "passages,memory-only,base",
    strangers: Annotated[
        int,
        typer.Option(
            "--strangers",
            min=0,
            help="Questions about other texts that each text is asked too; none has an answer.",
            metavar="NUMBER",
        ),
    ] = 0,
    json: Json = False,
    output: Output = None,
) -> None:
    """Measure answers by several systems to questions whose answers are known."""
    from infini_cli.commands import engine
    from infini_cli.evaluation import answers as evaluation
    from infini_cli.evaluation.items import with_strangers
    from infini_cli.evaluation.layouts import read_question_items
    from infini_cli.evaluation.ledger import Ledger
    from infini_cli.evaluation.results import Result, gather
    from infini_cli.tasks.requests import SamplingRequest

    wanted = parse_systems(systems, evaluation.SYSTEMS)
    protect((file,), options.ledger, output, options.plot)
    items = read_question_items(file, library=options.book_folder, book=options.whole_book)
    items = with_strangers(items[: options.limit], strangers, options.seed)
    ledger = Ledger(options.ledger, Result)
    with terminal.progress() as shown:
        progress = Once(shown)
        loaded = engine.open_model(model, progress)
        with _readings(loaded, progress) as readings:
            assert readings is not None
            sampling = SamplingRequest(seed=options.seed)
            writer = evaluation.AnswerWriter(loaded, readings, progress, sampling)
            results = evaluation.evaluate_answers(items, wanted, writer, ledger)
            found = gather(results, wanted, seed=options.seed)
    write_systems(terminal, "qa", loaded, found, options, {}, json=json, output=output)


@contextmanager
def _readings(model: Model | None, progress: Progress) -> Iterator[Readings | None]:
    """Keep what is read of texts for the time of the evaluation."""
    if model is None:
        yield None
        return
    from infini_cli.evaluation.readings import Readings

    with tempfile.TemporaryDirectory(prefix="infini-") as folder:
        yield Readings(model, progress, Path(folder))


def _window(asked: int | None, model: Model | None) -> int:
    if model is None:
        return 0
    most = model.decoder.config.max_position_embeddings
    if asked is not None and asked > most:
        raise UsageError(
            f"the base takes in {most:,} tokens, not {asked:,}", hint=f"at most `--window {most}`"
        )
    return asked or min(DEFAULT_WINDOW, most)
