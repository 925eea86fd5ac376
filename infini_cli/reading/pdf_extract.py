"""Take the text out of a PDF in processes of its own.

A page that takes too long or kills the process costs that page alone: a new
process goes on behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from infini_cli.errors import DamagedInput, InputError, InputTooLarge, UsageError
from infini_cli.reading.limits import DEFAULT_LIMITS, Limits
from infini_cli.reading.pdf_content import PdfContent, take_opening, take_page
from infini_cli.reading.pdf_process import LostError, PdfProcess
from infini_cli.reading.raw import PdfBackend


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
                with self._process(next_page) as process:
                    if not content.num_pages:
                        opening = process.answer(self.limits.open_seconds)
                        take_opening(content, opening, self.name)
                    while next_page < content.num_pages:
                        # The first page of a later process waits for the file to be opened again.
                        patience = (
                            self.limits.page_seconds
                            if process.answered
                            else self.limits.open_seconds
                        )
                        take_page(content, next_page, process.answer(patience), self.name)
                        next_page += 1
                return content
            except LostError as lost:
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
                with self._process(index, alone=True) as process:
                    answer = process.answer(self.limits.page_seconds)
            except LostError:
                answer = {}
            if answer.get("lines"):
                take_page(content, index, {**answer, "instead": reason}, self.name)
                return
        content.failed_pages[index] = reason
        content.lines.append([])

    def _process(self, first_page: int, *, alone: bool = False) -> PdfProcess:
        request = {
            "password": self.password,
            "backend": (PdfBackend.PDFIUM if alone else self.backend).value,
            "falls_back": self.falls_back and not alone,
            "first_page": first_page,
            "end_page": first_page + 1 if alone else None,
            "memory_bytes": self.limits.pdf_memory_bytes,
        }
        return PdfProcess(self.data, request)
