"""Run the extraction process and collect its answers, each within a time limit.

A page that takes too long or kills the process costs that page alone: a new
process goes on behind it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from infini_cli.errors import (
    DamagedInput,
    EncryptedInput,
    InfiniError,
    InputError,
    InputTooLarge,
    NoTextInput,
    ProtectedInput,
    UsageError,
)
from infini_cli.reading.limits import DEFAULT_LIMITS, Limits
from infini_cli.reading.pdf_lines import Line
from infini_cli.reading.raw import PdfBackend

WORKER = "infini_cli.reading.pdf_worker"


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """An entry of the outline (bookmarks).

    Attributes:
        title: as it stands in the outline.
        page: index of the page it points to; None if to nowhere.
        top: height on that page in points, where given.
        depth: nesting, 0 at the top.
    """

    title: str
    page: int | None
    top: float | None
    depth: int


@dataclass(slots=True)
class PdfContent:
    """Everything taken out of a PDF, before any interpretation.

    Attributes:
        num_pages: pages in the file.
        labels: a label for every page.
        metadata: `title`, `author`, `language` where declared.
        outline: its entries in order, flat.
        lines: the lines of every page; empty for one that has no text.
        picture_pages: indices of pages that have pictures and no text.
        failed_pages: why a page could not be read, by its index.
        replaced_pages: why a page was read with the second reader, by its index.
        warnings: what else was wrong.
    """

    num_pages: int = 0
    labels: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    outline: list[OutlineEntry] = field(default_factory=list)
    lines: list[list[Line]] = field(default_factory=list)
    picture_pages: list[int] = field(default_factory=list)
    failed_pages: dict[int, str] = field(default_factory=dict)
    replaced_pages: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class _LostError(Exception):
    """The process hung or died before its next answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def extract_pdf(
    data: bytes,
    name: str,
    password: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    backend: PdfBackend = PdfBackend.AUTO,
) -> PdfContent:
    """Read a PDF in processes of its own.

    Args:
        data: the file.
        name: how to call it in messages.
        password: to open it with, if it needs one.
        limits: what it may cost.
        backend: what reads it; by default `pypdf`, and PDFium, where it is installed, what
            `pypdf` cannot.

    Raises:
        UsageError: PDFium is asked for and not installed.
        EncryptedInput: a password is needed, or the one given is wrong.
        ProtectedInput: it is locked by a scheme without a password.
        DamagedInput: it cannot be opened.
        NoTextInput: it has no pages.
        InputTooLarge: a bound was hit.
    """
    has_second = find_spec("pypdfium2") is not None
    if backend is PdfBackend.PDFIUM and not has_second:
        raise UsageError(
            "the PDF reader `pdfium` is not installed", hint="`pip install 'infini-cli[pdfium]'`"
        )
    falls_back = backend is PdfBackend.AUTO and has_second
    first = PdfBackend.PDFIUM if backend is PdfBackend.PDFIUM else PdfBackend.PYPDF
    try:
        return _Extraction(data, name, password, limits, first, falls_back).run()
    except (DamagedInput, InputTooLarge) as error:
        if not falls_back:
            raise
        try:
            content = _Extraction(data, name, password, limits, PdfBackend.PDFIUM, False).run()
        except InputError:
            raise error from None
        content.warnings.append(f"the PDF is read with pdfium, since with pypdf {error.message}")
        return content


@dataclass(frozen=True, slots=True)
class _Extraction:
    """What is asked of the processes, one after the other."""

    data: bytes
    name: str
    password: str | None
    limits: Limits
    backend: PdfBackend
    falls_back: bool

    def run(self) -> PdfContent:
        content = PdfContent()
        next_page = 0
        num_lost = 0
        while True:
            try:
                with self._worker(next_page) as worker:
                    if not content.num_pages:
                        opening = worker.answer(self.limits.open_seconds)
                        _take_opening(content, opening, self.name)
                    while next_page < content.num_pages:
                        # The first page of a later process waits for the file to be opened again.
                        patience = (
                            self.limits.page_seconds
                            if worker.answered
                            else self.limits.open_seconds
                        )
                        _take_page(content, next_page, worker.answer(patience), self.name)
                        next_page += 1
                return content
            except _LostError as lost:
                if not content.num_pages:
                    raise DamagedInput(
                        f"`{self.name}` cannot be opened: {lost.reason}",
                        hint="repair it first, for example with `qpdf broken.pdf repaired.pdf`",
                    ) from lost
                num_lost += 1
                if num_lost > self.limits.num_lost_pages:
                    raise InputTooLarge(
                        f"too many pages of `{self.name}` cannot be read, the latest is "
                        f"{next_page + 1}: {lost.reason}",
                        hint="turn it into text with another tool, such as `pdftotext`, and read "
                        "that",
                    ) from lost
                self._read_lost_page(content, next_page, lost.reason)
                next_page += 1
                if next_page >= content.num_pages:
                    return content

    def _read_lost_page(self, content: PdfContent, index: int, reason: str) -> None:
        """Read a page with the second reader, in a process for it alone."""
        if self.falls_back:
            try:
                with self._worker(index, alone=True) as worker:
                    answer = worker.answer(self.limits.page_seconds)
            except _LostError:
                answer = {}
            if answer.get("lines"):
                _take_page(content, index, {**answer, "instead": reason}, self.name)
                return
        content.failed_pages[index] = reason
        content.lines.append([])

    def _worker(self, first_page: int, *, alone: bool = False) -> _Worker:
        request = {
            "password": self.password,
            "backend": (PdfBackend.PDFIUM if alone else self.backend).value,
            "falls_back": self.falls_back and not alone,
            "first_page": first_page,
            "end_page": first_page + 1 if alone else None,
            "memory_bytes": self.limits.pdf_memory_bytes,
        }
        return _Worker(self.data, request)


def _take_opening(content: PdfContent, answer: dict[str, Any], name: str) -> None:
    if answer["answer"] == "failed":
        raise _failure(answer["kind"], answer["reason"], name)
    if not answer["num_pages"]:
        raise NoTextInput(f"`{name}` has no pages")
    content.num_pages = answer["num_pages"]
    content.labels = answer["labels"]
    content.metadata = answer["metadata"]
    content.outline = [OutlineEntry(**entry) for entry in answer["outline"]]
    content.warnings = answer["warnings"]


def _take_page(content: PdfContent, index: int, answer: dict[str, Any], name: str) -> None:
    if answer["answer"] == "failed":
        raise _failure(answer["kind"], answer["reason"], name)
    if "error" in answer:
        content.failed_pages[index] = answer["error"]
    elif answer["picture"]:
        content.picture_pages.append(index)
    if "instead" in answer:
        content.replaced_pages[index] = answer["instead"]
    content.lines.append([Line(*line) for line in answer.get("lines", [])])


def _failure(kind: str, reason: str, name: str) -> InfiniError:
    if kind == "password-missing":
        return EncryptedInput(
            f"`{name}` is encrypted and needs a password", hint="give it with `--password`"
        )
    if kind == "password-wrong":
        return EncryptedInput(
            f"the password given does not open `{name}`", hint="check `--password`"
        )
    if kind == "protected":
        return ProtectedInput(
            f"`{name}` is locked by a scheme that no password opens: {reason}",
            hint="ask the publisher for a copy without digital rights management",
        )
    if kind == "too-large":
        return InputTooLarge(f"`{name}` is refused: {reason}", hint="split it into smaller files")
    return DamagedInput(
        f"`{name}` is not a readable PDF: {reason}",
        hint="repair it first, for example with `qpdf broken.pdf repaired.pdf`",
    )


class _Worker:
    """One extraction process and the thread that listens to it."""

    def __init__(self, data: bytes, request: dict[str, Any]) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.answered = False
        self._answers: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self._process = subprocess.Popen(
            # -P: nothing in the current folder can stand in for a library.
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._threads = (
            threading.Thread(target=self._send, args=(json.dumps(request), data), daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        while self._threads[1].is_alive():  # let it put what it still holds, and see the end
            self._drain()
            self._threads[1].join(0.01)
        self._threads[0].join()
        for pipe in (self._process.stdin, self._process.stdout):
            _close(pipe)

    def answer(self, seconds: float) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            _LostError: none came within `seconds`, or the process has died.
        """
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise _LostError(f"it takes longer than {seconds:g} seconds") from None
        if not line:
            raise _LostError("reading it crashes or exhausts memory")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise _LostError("reading it crashes or exhausts memory") from None
        self.answered = True
        return answer

    def _send(self, request: str, data: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(request.encode() + b"\n")
            pipe.write(data)
            pipe.close()
        except OSError:  # it died first; the listener sees that
            return

    def _listen(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        for line in pipe:
            self._answers.put(line)
        self._answers.put(b"")

    def _drain(self) -> None:
        try:
            while True:
                self._answers.get_nowait()
        except queue.Empty:
            return


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except OSError:  # unsent input of a process that is gone
        return
