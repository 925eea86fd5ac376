"""Read a PDF with PDFium (`pypdfium2`); this runs inside the extraction process (`pdf_worker`)."""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import astuple
from typing import Any

import pypdfium2
from pypdfium2 import raw

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
from infini_cli.reading.pdf_lines import Line, clean, place

MAX_CHARACTERS = 2_000_000
_LINE_ENDS = frozenset({0x0A, 0x0D})
# A hyphen at a line's end, in place of which PDFium writes these and no end of the line.
_HYPHENS = frozenset({0x02, 0xFFFE})
_UNTURNED = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


class PdfiumFile:
    """A PDF that PDFium has open.

    Attributes:
        num_pages: pages in it.
    """

    def __init__(self, data: bytes, password: str | None) -> None:
        """Open the file and unlock it.

        Raises:
            FailureError: it cannot be opened.
        """
        self._document = _open(data, password)
        self.num_pages = len(self._document)

    def describe(self) -> dict[str, Any]:
        """Return metadata, page labels and outline; what is broken is left out and named."""
        return describe_by(
            {
                "metadata": (self._metadata, {}),
                "labels": (self._labels, []),
                "outline": (self._outline, []),
            },
            self.num_pages,
        )

    def read_page(self, index: int) -> dict[str, Any]:
        """Return a page's lines and whether it shows a picture.

        Raises:
            BoundError: it has too many characters.
            pypdfium2.PdfiumError: it cannot be read.
        """
        page = self._document[index]
        text = page.get_textpage()
        lines = [astuple(line) for line in page_lines(text, index)[:MAX_LINES]]
        return {"lines": lines, "picture": not lines and has_picture(page)}

    def _metadata(self) -> dict[str, str]:
        found = {
            key: self._document.get_metadata_value(name)[:1000]
            for key, name in (("title", "Title"), ("author", "Author"))
        }
        return {key: value for key, value in found.items() if value}

    def _labels(self) -> list[str]:
        labels = [
            self._document.get_page_label(index)[:MAX_LABEL_CHARACTERS]
            for index in range(self.num_pages)
        ]
        return [label or str(index) for index, label in enumerate(labels, 1)]

    def _outline(self) -> list[dict[str, Any]]:
        entries = []
        marks = self._document.get_toc(max_depth=MAX_OUTLINE_DEPTH)
        for mark in itertools.islice(marks, MAX_OUTLINE_ENTRIES):
            target = mark.get_dest()
            mode, position = target.get_view() if target is not None else (None, [])
            has_top = mode == raw.PDFDEST_VIEW_XYZ and len(position) > 1 and position[1] > 0
            entries.append(
                {
                    "title": mark.get_title()[:MAX_TITLE_CHARACTERS],
                    "page": target.get_index() if target is not None else None,
                    "top": float(position[1]) if has_top else None,
                    "depth": mark.level,
                }
            )
        return entries


def page_lines(text: Any, number: int) -> list[Line]:
    """Return the lines of a page, as PDFium orders its characters.

    Args:
        text: a text page of `pypdfium2`.
        number: its index, from 0.

    Raises:
        BoundError: it has too many characters.
    """
    num_characters = text.count_chars()
    if num_characters > MAX_CHARACTERS:
        raise BoundError(f"it has more than {MAX_CHARACTERS:,} characters")
    lines: list[Line] = []
    pieces: list[str] = []
    start: tuple[float, float, float] | None = None

    def finish_line() -> None:
        # Characters beyond the first 65,536 come in two halves.
        joined = "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if (line := clean(joined)) and start is not None:
            lines.append(Line(line, number, *start))
        pieces.clear()

    for index in range(num_characters):
        code = raw.FPDFText_GetUnicode(text, index)
        if code in _LINE_ENDS or code in _HYPHENS:
            if code in _HYPHENS:
                pieces.append("-")
            finish_line()
            start = None
            continue
        if start is None and not chr(code).isspace():
            start = _place(text, index)
        pieces.append(chr(code))
    finish_line()
    return lines


def has_picture(page: Any) -> bool:
    """Tell whether a page draws any image, in a form or outside one."""
    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])), None) is not None


def _place(text: Any, index: int) -> tuple[float, float, float]:
    """Return along, across and the effective size of a character."""
    matrix, x, y = raw.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetMatrix(text, index, matrix)
    raw.FPDFText_GetCharOrigin(text, index, x, y)
    turn = (matrix.a, matrix.b, matrix.c, matrix.d, x.value, y.value)
    return place(turn, _UNTURNED, raw.FPDFText_GetFontSize(text, index))


def _open(data: bytes, password: str | None) -> pypdfium2.PdfDocument:
    # Owner-locked files, which only forbid printing, have an empty user password.
    for word in [None] if password is None else [password, None]:
        try:
            return pypdfium2.PdfDocument(data, password=word)
        except pypdfium2.PdfiumError as error:
            if error.err_code == raw.FPDF_ERR_SECURITY:
                raise FailureError("protected", one_line(error)) from error
            if error.err_code != raw.FPDF_ERR_PASSWORD:
                raise FailureError("damaged", one_line(error)) from error
    raise FailureError("password-missing" if password is None else "password-wrong", "")
