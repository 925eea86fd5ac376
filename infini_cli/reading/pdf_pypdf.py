"""Read a PDF with `pypdf`; this runs inside the extraction process (`pdf_worker`)."""

from __future__ import annotations

import io
import logging
from dataclasses import astuple
from typing import Any

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, PyPdfError
from pypdf.generic import Destination

from infini_cli.reading.pdf_file import (
    MAX_LABEL_CHARACTERS,
    MAX_LINES,
    MAX_OUTLINE_DEPTH,
    MAX_OUTLINE_ENTRIES,
    MAX_TITLE_CHARACTERS,
    BoundError,
    FailureError,
    describe_by,
    one_line,
)
from infini_cli.reading.pdf_lines import page_lines

MAX_CONTENT_BYTES = 24 * 1024 * 1024


class PypdfFile:
    """A PDF that `pypdf` has open.

    Attributes:
        num_pages: pages in it.
    """

    def __init__(self, data: bytes, password: str | None) -> None:
        """Open the file and unlock it.

        Raises:
            FailureError: a password is needed or wrong, or the file is locked by a
                scheme that has no password.
            Exception: whatever `pypdf` raises on a file that it cannot read.
        """
        logging.disable(logging.CRITICAL)  # pypdf comments on every repair it makes
        self._reader = open_reader(data, password)
        self._pages = list(self._reader.pages)
        self.num_pages = len(self._pages)

    def describe(self) -> dict[str, Any]:
        """Return metadata, page labels and outline; what is broken is left out and named."""
        reader = self._reader
        return describe_by(
            {
                "metadata": (lambda: metadata(reader), {}),
                "labels": (lambda: page_labels(reader), []),
                "outline": (lambda: outline(reader), []),
            },
            self.num_pages,
        )

    def read_page(self, index: int) -> dict[str, Any]:
        """Return a page's lines and whether it shows a picture.

        Raises:
            BoundError: its drawing commands are too many.
            Exception: whatever `pypdf` raises on a page that it cannot read.
        """
        page = self._pages[index]
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > MAX_CONTENT_BYTES:
            raise BoundError(f"its drawing commands exceed {MAX_CONTENT_BYTES // 2**20} MiB")
        lines = [astuple(line) for line in page_lines(page, index)[:MAX_LINES]]
        return {"lines": lines, "picture": not lines and has_picture(page)}


def open_reader(data: bytes, password: str | None) -> PdfReader:
    """Open the file and unlock it.

    Raises:
        FailureError: a password is needed or wrong, or the file is locked by a
            scheme that has no password.
    """
    try:
        reader = parse(data)
        if reader.is_encrypted:
            # Owner-locked files, which only forbid printing, have an empty user password.
            candidates = [""] if password is None else [password, ""]
            if all(reader.decrypt(word) == PasswordType.NOT_DECRYPTED for word in candidates):
                kind = "password-missing" if password is None else "password-wrong"
                raise FailureError(kind, "")
    except (NotImplementedError, DependencyError) as error:
        raise FailureError("protected", one_line(error)) from error
    except PyPdfError as error:
        raise FailureError("damaged", one_line(error)) from error
    return reader


def parse(data: bytes) -> PdfReader:
    """Read the file's structure, a second time with an end put on if its own is cut off.

    A pointer to nowhere makes `pypdf` search the whole file for objects.

    Raises:
        PyPdfError: neither way works; the error is that of the file as it stands.
    """
    try:
        return PdfReader(io.BytesIO(data), strict=False)
    except PyPdfError as error:
        try:
            return PdfReader(io.BytesIO(data + b"\nstartxref\n0\n%%EOF\n"), strict=False)
        except PyPdfError:
            raise error from None


def metadata(reader: PdfReader) -> dict[str, str]:
    """Return title, author and language where the file names them."""
    found: dict[str, str] = {}
    if (information := reader.metadata) is not None:
        for key, value in (("title", information.title), ("author", information.author)):
            if value:
                found[key] = str(value)[:1000]
    if language := reader.root_object.get("/Lang"):
        found["language"] = str(language.get_object())[:100]
    return found


def page_labels(reader: PdfReader) -> list[str]:
    """Return the label printed in viewers for every page."""
    return [str(label)[:MAX_LABEL_CHARACTERS] for label in reader.page_labels]


def outline(reader: PdfReader) -> list[dict[str, Any]]:
    """Return the outline flat: title, page index or None, top or None, depth."""
    entries: list[dict[str, Any]] = []

    def walk(items: list[Any], depth: int) -> None:
        for item in items:
            if len(entries) >= MAX_OUTLINE_ENTRIES:
                return
            if isinstance(item, list):
                if depth < MAX_OUTLINE_DEPTH:
                    walk(item, depth + 1)
            elif isinstance(item, Destination):
                entries.append(
                    {
                        "title": str(item.title or "")[:MAX_TITLE_CHARACTERS],
                        "page": destination_page(reader, item),
                        "top": number(item.top),
                        "depth": depth,
                    }
                )

    walk(reader.outline, 0)
    return entries


def destination_page(reader: PdfReader, destination: Destination) -> int | None:
    """Return the page index that an entry points to, None if nowhere."""
    try:
        page = reader.get_destination_page_number(destination)
    # A destination can be null, a number or an object of another kind.
    except Exception:
        return None
    return page if page is not None and page >= 0 else None


def number(value: Any) -> float | None:
    """Return a PDF number as a float, None for null and anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def has_picture(page: PageObject) -> bool:
    """Tell whether a page refers to any image or form, or draws an inline image."""
    resources: Any = page.get("/Resources")
    resources = resources.get_object() if resources is not None else {}
    objects = resources.get("/XObject") if isinstance(resources, dict) else None
    if objects is not None and objects.get_object():
        return True
    contents = page.get_contents()
    return contents is not None and b"\nID" in contents.get_data().replace(b" ID", b"\nID")
