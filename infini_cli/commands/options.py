"""The options that several verbs share: one name, one meaning, everywhere.

Options that go together are a dataclass; `infini_cli.commands.verb` turns its fields into the
options of a verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from infini_cli.ui.color import ColorChoice


class InputType(StrEnum):
    """What `--type` may be; `infini_cli.reading.sniff.Format` has the same values."""

    EPUB = "epub"
    PDF = "pdf"
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    ODT = "odt"
    RTF = "rtf"
    FB2 = "fb2"
    MOBI = "mobi"


class PdfBackend(StrEnum):
    """What `--pdf-backend` may be; `infini_cli.reading.raw.PdfBackend` has the same values."""

    AUTO = "auto"
    PYPDF = "pypdf"
    PDFIUM = "pdfium"


class ResultFormat(StrEnum):
    """How a summary or an answer is written."""

    MARKDOWN = "md"
    TEXT = "text"
    JSON = "json"


class TextFormat(StrEnum):
    """How a book's text is written."""

    TEXT = "text"
    MARKDOWN = "md"
    JSONL = "jsonl"


# The terminal: every verb has these, and so has `infini` itself.
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Tell decisions; -vv tells everything.",
        show_default=False,
    ),
]
NoProgress = Annotated[
    bool,
    typer.Option("--no-progress", help="Show no progress; so does INFINI_NO_PROGRESS=1."),
]
Color = Annotated[
    ColorChoice,
    typer.Option("--color", help="Colour messages and tables.", show_default=True),
]

# The book.
BookPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="BOOK",
        help="EPUB, PDF, DOCX, ODT, RTF, FB2, MOBI, text, Markdown or HTML file, or a folder of "
        "HTML files; `-` for standard input.",
    ),
]
BookPaths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="BOOK",
        help="EPUB, PDF, DOCX, ODT, RTF, FB2, MOBI, text, Markdown or HTML files; `-` for "
        "standard input.",
    ),
]
Type = Annotated[
    InputType | None,
    typer.Option("--type", help="Format of the book; told by its content if not given."),
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password", envvar="INFINI_PASSWORD", help="Password of an encrypted PDF.", metavar="TEXT"
    ),
]
PdfReader = Annotated[
    PdfBackend,
    typer.Option(
        "--pdf-backend",
        help="What reads a PDF; `auto` is pypdf, and pdfium where pypdf fails.",
        show_default=True,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding", help="Encoding of a text file; guessed if not given.", metavar="NAME"
    ),
]
Chapters = Annotated[
    str | None,
    typer.Option(
        "--chapters",
        help="Read these chapters alone, named as `infini toc` shows: `3-7,12`, `ii`.",
        metavar="LIST",
    ),
]
Upto = Annotated[
    int | None,
    typer.Option("--upto", min=1, help="Stop after this chapter: no spoilers.", metavar="NUMBER"),
]
KeepAll = Annotated[
    bool,
    typer.Option("--keep-all", help="Read front and back matter too (contents, notes, licence)."),
]

# The model.
DEFAULT_MODEL = "qwen2.5-coder-1.5b-infini"
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="INFINI_MODEL",
        help="Model: a name that `infini models list` shows, a folder, or `owner/name[@revision]`.",
        metavar="MODEL",
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", envvar="INFINI_OFFLINE", help="Never use the network."),
]
Memory = Annotated[
    Path | None,
    typer.Option(
        "--memory",
        help="Use a book memory that `infini read` wrote; the book is not read again.",
        metavar="FILE",
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither use nor keep a memory of the book.")
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature", min=0.0, help="Randomness of the wording; 0 is none.", metavar="NUMBER"
    ),
]
TopP = Annotated[
    float,
    typer.Option(
        "--top-p",
        min=0.0,
        max=1.0,
        help="Sample from the likeliest tokens that have this probability together.",
        metavar="NUMBER",
    ),
]
TopK = Annotated[
    int,
    typer.Option(
        "--top-k", min=0, help="Sample from this many likeliest tokens; 0: all.", metavar="NUMBER"
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the randomness.", metavar="NUMBER")]

SegmentLength = Annotated[
    int | None,
    typer.Option(
        "--segment-length",
        min=16,
        help="The most tokens in a segment; the model's own where not given.",
        metavar="TOKENS",
    ),
]

# The result.
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this file, whole or not at all.", metavar="FILE"),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Format = Annotated[
    ResultFormat, typer.Option("--format", "-f", help="Form of the result.", show_default=True)
]


@dataclass(frozen=True, slots=True)
class TerminalOptions:
    """How the program talks; every verb has these, and so has `infini` before its verb."""

    quiet: Quiet = False
    verbose: Verbose = 0
    no_progress: NoProgress = False
    color: Color = ColorChoice.AUTO


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a book is read, and what of it."""

    type: Type = None
    password: Password = None
    encoding: Encoding = None
    pdf_backend: PdfReader = PdfBackend.AUTO
    chapters: Chapters = None
    upto: Upto = None
    keep_all: KeepAll = False


Adapter = Annotated[
    Path | None,
    typer.Option(
        "--adapter",
        help="A trained memory: a safetensors file, a name of `infini models show`, or `none`.",
        metavar="FILE",
    ),
]


Writer = Annotated[
    Path | None,
    typer.Option(
        "--writer",
        help="What the model was taught to write notes with: a safetensors file, or `none`.",
        metavar="FILE",
    ),
]


Salience = Annotated[
    Path | None,
    typer.Option(
        "--salience",
        help="What tells the model which sentences matter: a safetensors file, or `none`.",
        metavar="FILE",
    ),
]


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model, and where it may come from."""

    model: Model = DEFAULT_MODEL
    adapter: Adapter = None
    writer: Writer = None
    salience: Salience = None
    offline: Offline = False


@dataclass(frozen=True, slots=True)
class WritingOptions:
    """How the model chooses its words."""

    temperature: Temperature = 0.0
    top_p: TopP = 1.0
    top_k: TopK = 0
    seed: Seed = 0


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """Which book memory is used and kept."""

    memory: Memory = None
    no_cache: NoCache = False
