"""Get the book that the command line names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.commands.options import ReadingOptions
from infini_cli.errors import InputNotFound, InputTooLarge, UsageError
from infini_cli.ui import phrases
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.reading.book import Book

STDIN = Path("-")
MAX_LIST_BYTES = 16 * 1024 * 1024


def open_book(path: Path | None, options: ReadingOptions, terminal: Terminal) -> Book:
    """Read a book and choose its chapters; what was met on the way is told.

    Args:
        path: a file; standard input if None or `-`.
        options: how to read it.
        terminal: for warnings and, with `-v`, decisions.

    Raises:
        InputError: it cannot be read.
        UsageError: the options ask for something impossible.
    """
    from infini_cli.reading import read_book
    from infini_cli.reading.limits import limits_from
    from infini_cli.reading.raw import PdfBackend, ReadOptions
    from infini_cli.reading.selection import select_chapters
    from infini_cli.reading.sniff import Format

    limits = limits_from(os.environ)
    source = read_stdin(limits.file_bytes) if path is None or path == STDIN else path
    book = read_book(
        source,
        options=ReadOptions(
            encoding=options.encoding,
            password=options.password,
            pdf_backend=PdfBackend(options.pdf_backend.value),
            limits=limits,
        ),
        kind=Format(options.type.value) if options.type is not None else None,
    )
    book = select_chapters(
        book, chapters=options.chapters, upto=options.upto, keep_all=options.keep_all
    )
    for warning in book.warnings:
        terminal.warn(warning)
    _tell_decisions(book, terminal)
    return book


def refuse_choice(options: ReadingOptions, memory: Path | None) -> None:
    """Refuse a choice of chapters where a memory holds a book that was read.

    Passed over, `--upto` would promise that nothing later is told, and not keep it.

    Args:
        options: how a book is to be read.
        memory: in place of a book; None: there is none, and any choice is right.

    Raises:
        UsageError: some were chosen.
    """
    if memory is None:
        return
    for name, choice in (
        ("--chapters", options.chapters),
        ("--upto", options.upto),
        ("--keep-all", options.keep_all or None),
    ):
        if choice is not None:
            raise UsageError(
                f"`{name}` says what of a book is read, and `--memory` holds one that was read",
                hint=f"give `{name}` to `infini read`, and use the memory that it makes",
            )


def read_stdin(max_bytes: int) -> bytes:
    """Read standard input whole.

    Args:
        max_bytes: size at which it is refused.

    Raises:
        InputNotFound: it is closed.
        InputTooLarge: it is larger than any book.
    """
    try:
        data = sys.stdin.buffer.read(max_bytes + 1)
    except (OSError, ValueError, AttributeError) as error:
        raise InputNotFound("standard input cannot be read", hint="name a file") from error
    if len(data) > max_bytes:
        raise InputTooLarge(
            f"standard input holds more than {phrases.size(max_bytes)}",
            hint="split it into smaller parts",
        )
    return data


def read_text_file(path: Path) -> str:
    """Read a small file that a person wrote, or standard input for `-`.

    Raises:
        InputError: it cannot be read.
        UsageError: it is not UTF-8.
    """
    from infini_cli.reading.source import read_bytes

    data = (
        read_stdin(MAX_LIST_BYTES) if path == STDIN else read_bytes(path, max_bytes=MAX_LIST_BYTES)
    )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{path}` is not UTF-8 text", hint="save it as UTF-8") from error


def read_questions(path: Path) -> tuple[str, ...]:
    """Read questions, one a line: plain text, or JSON objects with a `question`.

    Raises:
        InputError: the file cannot be read.
        UsageError: it holds no question, or a line of JSON without one.
    """
    questions = []
    # Not `splitlines`: other line ends may stand inside a JSON string.
    for number, line in enumerate(read_text_file(path).split("\n"), start=1):
        text = line.strip()
        if text.startswith("{"):
            try:
                question = json.loads(text).get("question")
            except (ValueError, RecursionError):
                question = None
            if not isinstance(question, str) or not question.strip():
                raise UsageError(
                    f"line {number} of `{path}` is no JSON object with a `question`",
                    hint='write `{"question": "..."}`, or plain questions, one a line',
                )
            text = question.strip()
        if text:
            questions.append(text)
    if not questions:
        raise UsageError(f"`{path}` holds no question", hint="write one a line")
    return tuple(questions)


def _tell_decisions(book: Book, terminal: Terminal) -> None:
    if book.encoding is not None:
        terminal.detail(f"decoded as {book.encoding}")
    for chapter in book.chapters:
        if not chapter.kept:
            terminal.detail(
                f"chapter {chapter.label} ({chapter.title}) is left out: {chapter.skip_reason}"
            )
    for removal in book.removals:
        times = phrases.count(removal.count, "time")
        words = phrases.count(removal.num_words, "word")
        terminal.detail(f"taken out: {removal.what}, {times}, {words}")
