"""`infini tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infini_cli.commands.documents import to_json
from infini_cli.commands.inputs import open_book
from infini_cli.commands.options import BookPath, Json, ModelOptions, ReadingOptions, SegmentLength
from infini_cli.commands.toc import book_facts
from infini_cli.commands.verb import verb
from infini_cli.ui.tables import TableColumn
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.tokens.segments import SegmentPlan

COLUMNS = (
    TableColumn("chapter", is_number=True),
    TableColumn("tokens", is_number=True),
    TableColumn("segments", is_number=True),
    TableColumn("title"),
)


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    book: BookPath = None,
    segment_length: SegmentLength = None,
    json: Json = False,
) -> None:
    """Count the tokens that a model would read of a book."""
    from infini_cli.commands.models import find_here
    from infini_cli.tokens.segments import plan_segments
    from infini_cli.tokens.tokenizer import Tokenizer

    # The tokenizer first: without one there is no need to read a long book.
    here = find_here(model.model)
    tokenizer = Tokenizer.from_folder(here.folder)
    found = open_book(book, reading, terminal)
    segment_length = segment_length or here.segment_length
    plan = plan_segments(found, tokenizer, segment_length)
    chapters = chapter_tokens(plan)
    if json:
        terminal.write(
            to_json(
                {
                    "book": book_facts(found),
                    "model": model.model,
                    "tokenizer_sha256": tokenizer.sha256,
                    "segment_length": segment_length,
                    "num_tokens": plan.num_tokens,
                    "num_segments": len(plan.segments),
                    "chapters": chapters,
                }
            )
        )
        return
    rows = [
        (str(row["label"]), f"{row['num_tokens']:,}", str(row["num_segments"]), str(row["title"]))
        for row in chapters
    ]
    rows.append(("", f"{plan.num_tokens:,}", str(len(plan.segments)), "in all"))
    terminal.write_table(COLUMNS, rows)


def chapter_tokens(plan: SegmentPlan) -> list[dict[str, int | str]]:
    """Count tokens and segments by chapter."""
    chapters: dict[str, dict[str, int | str]] = {}
    for segment in plan.segments:
        row = chapters.setdefault(
            segment.chapter_label,
            {
                "label": segment.chapter_label,
                "title": segment.chapter_title,
                "num_tokens": 0,
                "num_segments": 0,
            },
        )
        row["num_tokens"] = int(row["num_tokens"]) + segment.num_tokens
        row["num_segments"] = int(row["num_segments"]) + 1
    return list(chapters.values())
