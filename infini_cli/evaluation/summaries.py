"""Summaries by several systems, measured on texts that people have summarised.

`memory`, `notes`, `hierarchical`, `incremental`, `lead` and `textrank` are the methods of `infini
summarize`. Two more show what the base does by itself: `truncated` reads the beginning of the
text, as much as fits its window, and `chunks` is `hierarchical` with the memory off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from infini_cli.errors import UsageError
from infini_cli.evaluation.items import SummaryItem, open_text, target_words, text_sha256
from infini_cli.evaluation.ledger import Ledger, result_key
from infini_cli.evaluation.readings import ReadingKind, Readings
from infini_cli.evaluation.results import Result
from infini_cli.evaluation.summary_measures import Rouge, Source, measure_summary, open_source
from infini_cli.progress import BatchStep, Progress
from infini_cli.reading.book import Book
from infini_cli.tasks import prompts
from infini_cli.tasks.extractive import METHODS as EXTRACTIVE_METHODS
from infini_cli.tasks.merge import SPARE_TOKENS, TOKENS_PER_WORD
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import MemoryRequest, SamplingRequest, SummaryRequest
from infini_cli.tasks.summarize import summarize_each
from infini_cli.tasks.writer import prompt_ids, write_prompts

READ_BY = {
    "memory": ReadingKind.MEMORY,
    "notes": ReadingKind.NOTES,
    "hierarchical": ReadingKind.NOTES,
    "incremental": ReadingKind.NOTES,
    "chunks": ReadingKind.NOTES_WITHOUT_MEMORY,
}
"""What each system that reads the whole text writes from."""
SYSTEMS = (*READ_BY, "truncated", *EXTRACTIVE_METHODS)


@dataclass(frozen=True, slots=True)
class Written:
    """Summaries of one text.

    Attributes:
        texts: one an item.
        seconds: that writing them took.
        reading_seconds: that reading the text took.
    """

    texts: tuple[str, ...]
    seconds: float
    reading_seconds: float


@dataclass(frozen=True, slots=True)
class SummaryWriter:
    """What writing summaries needs besides the items.

    Attributes:
        model: who reads and writes; None where only extracts are wanted.
        readings: of the model; None likewise.
        progress: told of every step.
        sampling: how words are chosen.
        window: tokens that `truncated` takes in, its prompt and the summary included.
    """

    model: Model | None
    readings: Readings | None
    progress: Progress
    sampling: SamplingRequest
    window: int

    def write(self, system: str, items: Sequence[SummaryItem], book: Book) -> Written:
        """Give a system's summaries for the items on one text, written side by side.

        Raises:
            UsageError: the window holds the summaries and nothing of the text.
        """
        memory, reading_seconds = None, 0.0
        if system in READ_BY:
            assert self.readings is not None
            memory, reading_seconds = self.readings.read(book, READ_BY[system])
        started = time.monotonic()
        if system == "truncated":
            texts = self._truncated(items, book)
        else:
            texts = self._summarize(system, items, book, memory)
        return Written(tuple(texts), time.monotonic() - started, reading_seconds)

    def _summarize(
        self, system: str, items: Sequence[SummaryItem], book: Book, memory: Path | None
    ) -> list[str]:
        requests = [
            SummaryRequest(
                method="hierarchical" if system == "chunks" else system,
                length=f"{target_words(item)}w",
                question=item.question,
                sampling=self.sampling,
                memory=MemoryRequest(memory, use_cache=False),
            )
            for item in items
        ]
        return [made.text for made in summarize_each(book, requests, self.model, self.progress)]

    def _truncated(self, items: Sequence[SummaryItem], book: Book) -> list[str]:
        """Summarise what all items leave room for: their beginning is the same, and read once."""
        model = self.model
        assert model is not None
        introduction = prompts.BEGINNING_INTRODUCTION.format(title=book.title)
        endings = [
            prompts.with_focus(prompts.BEGINNING.format(words=target_words(item)), item.question)
            for item in items
        ]
        bounds = [int(target_words(item) * TOKENS_PER_WORD) + SPARE_TOKENS for item in items]
        room = self.window - max(
            bound + len(prompt_ids(model, introduction + ending))
            for bound, ending in zip(bounds, endings, strict=True)
        )
        if room < (words := max(map(target_words, items))):
            raise UsageError(
                f"a summary of {words:,} words leaves no room for a text in {self.window:,} tokens",
                hint="give more with `--window`, or leave `truncated` out",
            )
        text = "\n\n".join(chapter.text for chapter in book.kept_chapters)
        beginning = model.tokenizer.decode(model.tokenizer.encode(text)[:room])
        drafts = write_prompts(
            model,
            [introduction + beginning + ending for ending in endings],
            max_tokens=bounds,
            sampling=self.sampling,
            progress=self.progress,
            what="summary",
        )
        return [draft.text for draft in drafts]


def evaluate_summaries(
    items: Sequence[SummaryItem],
    systems: Sequence[str],
    writer: SummaryWriter,
    ledger: Ledger[Result],
    rouge: Rouge,
) -> Iterator[tuple[str, Result]]:
    """Summarise text after text by every system, and measure.

    A system's summaries of one text are written side by side. Where not all of them are known all
    are written again, so that an interruption changes none.

    Args:
        items: texts and references; those on the same text follow each other, and parts of a
            text from the shortest to the longest, so that none is read twice.
        systems: of `SYSTEMS`.
        writer: who writes.
        ledger: what is known is not done again, and what is found is kept.
        rouge: what `open_rouge` gives.

    Yields:
        The hash of each text, and the result; system after system.
    """
    done, total = 0, len(items) * len(systems)
    for text, group in groupby(items, key=lambda item: item.text):
        sha256, on_text = text_sha256(text), list(group)
        book: Book | None = None
        source: Source | None = None
        for system in systems:
            keys = [_key(system, item, sha256, writer) for item in on_text]
            results = [found for key in keys if (found := ledger.find(key)) is not None]
            done += len(on_text)
            if len(results) < len(on_text):
                if book is None or source is None:
                    book = open_text(text)
                    source = open_source(book)
                results = _summarize(system, on_text, book, source, writer, rouge)
                for key, result in zip(keys, results, strict=True):
                    ledger.keep(key, result)
                name = f"{book.title}, {system}"
                writer.progress(BatchStep(name, done, total, "done", "result"))
            for result in results:
                yield sha256, result


def _summarize(
    system: str,
    items: Sequence[SummaryItem],
    book: Book,
    source: Source,
    writer: SummaryWriter,
    rouge: Rouge,
) -> list[Result]:
    made = writer.write(system, items, book)
    times = (made.seconds / len(items), made.reading_seconds)
    return [
        Result(
            system,
            item.id,
            text,
            measure_summary(text, item.references, source, target_words(item), rouge),
            *times,
            item.text.share,
        )
        for item, text in zip(items, made.texts, strict=True)
    ]


def _key(system: str, item: SummaryItem, text: str, writer: SummaryWriter) -> str:
    extract = system in EXTRACTIVE_METHODS
    return result_key(
        None if extract else writer.model,
        system,
        item.id,
        text,
        item.references,
        item.question,
        None if extract else writer.sampling.seed,
        writer.window if system == "truncated" else None,
    )
