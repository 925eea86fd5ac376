"""What is taken out of a PDF, as the extraction process tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infini_cli.errors import (
    DamagedInput,
    EncryptedInput,
    InfiniError,
    InputTooLarge,
    NoTextInput,
    ProtectedInput,
)
from infini_cli.reading.pdf_lines import Line


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


def take_opening(content: PdfContent, answer: dict[str, Any], name: str) -> None:
    """Take the first answer: what the file says of itself.

    Args:
        content: where it goes.
        answer: of the process.
        name: how to call the file in messages.

    Raises:
        InputError: it could not be opened, or has no pages.
    """
    if answer["answer"] == "failed":
        raise _failure(answer["kind"], answer["reason"], name)
    if not answer["num_pages"]:
        raise NoTextInput(f"`{name}` has no pages")
    content.num_pages = answer["num_pages"]
    content.labels = answer["labels"]
    content.metadata = answer["metadata"]
    content.outline = [OutlineEntry(**entry) for entry in answer["outline"]]
    content.warnings = answer["warnings"]


def take_page(content: PdfContent, index: int, answer: dict[str, Any], name: str) -> None:
    """Take the answer of a page, or why there is none.

    Args:
        content: where it goes.
        index: of the page.
        answer: of the process.
        name: how to call the file in messages.

    Raises:
        InputError: the file cannot be read on.
    """
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
