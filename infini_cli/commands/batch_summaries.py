"""The summaries of a batch: how each is made, and what it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infini_cli.batch.run import hash_file
from infini_cli.batch.work import Result
from infini_cli.commands import engine
from infini_cli.commands.inputs import open_book
from infini_cli.commands.options import ModelOptions, ReadingOptions, ResultFormat
from infini_cli.commands.summarize import METHODS_WITHOUT_MODEL
from infini_cli.errors import InfiniError, Interrupted
from infini_cli.progress import Note, Progress
from infini_cli.schema import SCHEMA
from infini_cli.ui.output import encode
from infini_cli.ui.terminal import Settings, Terminal

if TYPE_CHECKING:
    from infini_cli.reading.book import Book
    from infini_cli.tasks.model import Model
    from infini_cli.tasks.requests import SummaryRequest


@dataclass(slots=True)
class Summaries:
    """Makes summaries; the model is loaded once for all books that a process works on.

    Attributes:
        reading, request, form, model: how.
        settings: of the terminal; what there is to tell goes to the progress.
    """

    reading: ReadingOptions
    request: SummaryRequest
    form: ResultFormat
    model: ModelOptions
    settings: Settings
    _loaded: list[Model | None] = field(default_factory=list)
    _opened: dict[Path, Book] = field(default_factory=dict)

    def make(self, path: Path, progress: Progress) -> Result:
        """Make one summary."""
        book = self._opened.pop(path, None) or self._open(path, progress)
        summary = engine.summarize(book, self.request, self._model(progress), progress)
        facts = summary.to_dict()
        content = encode(engine.render(summary, self.form).rstrip("\n") + "\n")
        return Result(content, {"coverage": facts.get("coverage")})

    def prepare(self, paths: Sequence[Path], progress: Progress) -> None:
        """Read the short ones among several books side by side, which is faster."""
        self._opened.clear()
        for path in paths:
            try:
                self._opened[path] = self._open(path, progress)
            except Interrupted:
                raise
            except InfiniError:
                continue  # it comes again when it is this book's turn
        if len(self._opened) > 1 and (model := self._model(progress)) is not None:
            engine.read_together(tuple(self._opened.values()), self.request, model, progress)

    def _open(self, path: Path, progress: Progress) -> Book:
        return open_book(path, self.reading, _Teller(self.settings, progress))

    def _model(self, progress: Progress) -> Model | None:
        if not self._loaded:  # not at all if there is nothing to do
            needs_model = self.request.method not in METHODS_WITHOUT_MODEL
            self._loaded.append(engine.open_model(self.model, progress) if needs_model else None)
        return self._loaded[0]


class _Teller(Terminal):
    """A terminal elsewhere: what is told goes along with the progress, from other processes too."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        super().__init__(settings)
        self._progress = progress

    def note(self, text: str) -> None:
        self._progress(Note(text))

    def warn(self, text: str) -> None:
        self._progress(Note(text, warning=True))


def hash_settings(
    reading: ReadingOptions, request: Any, form: str, model: ModelOptions, method: str
) -> str:
    """Hash all that a summary depends on apart from the book.

    Whether memories are cached changes nothing in it, and a password opens the same book.
    """
    used = asdict(request)
    del used["memory"], used["explain"]
    values = {
        "schema": SCHEMA,  # summaries of an older one are made again
        "reading": asdict(reading) | {"password": None},
        "request": used,
        "form": form,
        "model": None if method in METHODS_WITHOUT_MODEL else _model_settings(model),
    }
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _model_settings(model: ModelOptions) -> str:
    from infini_cli.store.resolve import find_adapter, find_salience, find_writer

    found = (
        find_adapter(model.model, model.adapter),
        find_writer(model.model, model.writer),
        find_salience(model.model, model.salience),
    )
    hashes = [hash_file(path) if path is not None and path.is_file() else "-" for path in found]
    return " ".join([model.model, *hashes])
