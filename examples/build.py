"""Build the example book as EPUB, PDF and plain text from its Markdown.

Usage: `python examples/build.py [OUTPUT_DIRECTORY]`, by default this folder.

The same Markdown gives the same bytes: dates and identifiers are fixed, and
nothing is compressed, so that the version of zlib does not matter either. All
three files hold the same words in the same order, headings included.
"""

from __future__ import annotations

import html
import io
import re
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ebooklib import epub
from fpdf import FPDF

SOURCE = Path(__file__).with_name("the-brass-tolm.md")
PUBLISHED = datetime(2026, 11, 24, tzinfo=UTC)
IDENTIFIER = "urn:uuid:5b0c2e1e-7d0a-5a6b-9f3e-312102120031"
TEXT_COLUMNS = 72
A5 = (420.0, 595.0)  # points

_EMPHASIS = re.compile(r"\*([^*]+)\*")
_CSS = """\
body { margin: 5%; line-height: 1.4; }
h1 { margin: 3em 0 1.5em; font-size: 1.4em; text-align: center; }
p { margin: 0; text-indent: 1.4em; }
h1 + p, .title p { text-indent: 0; }
.title { text-align: center; margin-top: 30%; }
"""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the source.

    Attributes:
        title: its heading, without mark-up.
        paragraphs: its text; `*...*` is emphasis.
    """

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The parsed Markdown.

    Attributes:
        title: from the front matter, like `author`, `language` and `rights`.
        author: who wrote it.
        language: BCP 47 tag.
        rights: one line on the licence.
        chapters: in order.
    """

    title: str
    author: str
    language: str
    rights: str
    chapters: tuple[Chapter, ...]


def parse(markdown: str) -> Source:
    """Parse the small part of Markdown that the book uses.

    Args:
        markdown: front matter of `key: "value"` lines, then `# ` headings and paragraphs.

    Raises:
        ValueError: the front matter is missing, or text stands before the first heading.
    """
    opening, front, body = markdown.split("---\n", 2)
    if opening:
        raise ValueError("the book must begin with front matter")
    fields = dict(re.findall(r'^(\w+): "(.*)"$', front, re.MULTILINE))
    before, *parts = re.split(r"^# ", body, flags=re.MULTILINE)
    if before.strip():
        raise ValueError("text before the first chapter")
    chapters = []
    for part in parts:
        title, *paragraphs = [" ".join(block.split()) for block in part.strip().split("\n\n")]
        chapters.append(Chapter(title, tuple(paragraphs)))
    return Source(**fields, chapters=tuple(chapters))


def build_text(source: Source) -> bytes:
    """Return the book as UTF-8 text, wrapped at 72 columns."""
    parts = [f"{source.title}\n\nby {source.author}\n\n{_wrap(source.rights)}\n"]
    for chapter in source.chapters:
        paragraphs = "\n\n".join(_wrap(_EMPHASIS.sub(r"\1", text)) for text in chapter.paragraphs)
        parts.append(f"{chapter.title}\n\n{paragraphs}\n")
    return "\n\n\n".join(parts).encode()


def _wrap(text: str) -> str:
    # A word is never cut at its hyphen, so that joining the lines gives back the text.
    return textwrap.fill(text, TEXT_COLUMNS, break_on_hyphens=False, break_long_words=False)


def build_epub(source: Source) -> bytes:
    """Return the book as EPUB 3: a title page and one file for each chapter."""
    book = epub.EpubBook()
    book.set_identifier(IDENTIFIER)
    book.set_title(source.title)
    book.set_language(source.language)
    book.add_author(source.author)
    book.add_metadata("DC", "rights", source.rights)
    book.add_metadata("DC", "date", PUBLISHED.date().isoformat())
    style = epub.EpubItem("style", "style.css", "text/css", _CSS)
    book.add_item(style)
    title_body = "".join(
        f"<{tag}>{html.escape(text, quote=False)}</{tag}>"
        for tag, text in (("h1", source.title), ("p", f"by {source.author}"), ("p", source.rights))
    )
    title_page = _page("title", source.title, f'<div class="title">{title_body}</div>', style)
    chapters = []
    for number, chapter in enumerate(source.chapters, 1):
        paragraphs = "\n".join(
            "<p>" + _EMPHASIS.sub(r"<em>\1</em>", html.escape(text, quote=False)) + "</p>"
            for text in chapter.paragraphs
        )
        heading = f"<h1>{html.escape(chapter.title, quote=False)}</h1>"
        page = _page(f"chapter-{number:02}", chapter.title, f"{heading}\n{paragraphs}", style)
        chapters.append(page)
    for item in (title_page, *chapters, epub.EpubNcx(), epub.EpubNav()):
        book.add_item(item)
    book.toc = [epub.Link(page.file_name, page.title, page.id) for page in chapters]
    book.spine = [title_page, *chapters]
    written = io.BytesIO()
    writer = epub.EpubWriter(written, book, {"mtime": PUBLISHED})
    writer.process()
    writer.write()
    return _repack(written.getvalue())


def _page(name: str, title: str, body: str, style: epub.EpubItem) -> epub.EpubHtml:
    page = epub.EpubHtml(uid=name, title=title, file_name=f"{name}.xhtml", lang="en")
    page.content = body
    page.add_item(style)
    return page


def _repack(archive: bytes) -> bytes:
    """Write a zip file again with one date, uncompressed, in the same order."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date_time=PUBLISHED.timetuple()[:6])
            entry.create_system = 3  # the same on every system that builds it
            new.writestr(entry, old.read(name), zipfile.ZIP_STORED)
    return result.getvalue()


class _Pages(FPDF):
    """A5 pages with the book's title above and the page number below."""

    leading = 14.0
    indent = 15.0
    paragraph_gap = 5.0  # besides the indent, so that programs find the paragraphs too

    def __init__(self, source: Source) -> None:
        super().__init__(unit="pt", format=A5)
        self.source = source
        # The core fonts have real quotes and dashes in Windows-1252 and need no font file.
        self.core_fonts_encoding = "windows-1252"
        self.set_compression(False)
        self.set_title(source.title)
        self.set_author(source.author)
        self.set_subject(source.rights)
        self.set_lang(source.language)
        self.set_creator("examples/build.py")
        self.set_producer("fpdf2")
        self.set_creation_date(PUBLISHED)
        self.set_margins(54, 64, 54)
        self.set_auto_page_break(True, 60)

    def header(self) -> None:
        """Write the running head, on all pages but the first."""
        if self.page_no() > 1:
            self.set_font("Times", "I", 9)
            self.set_y(34)
            self.cell(0, 11, self.source.title, align="C")
            self.set_y(self.t_margin)

    def footer(self) -> None:
        """Write the page number, on all pages but the first."""
        if self.page_no() > 1:
            self.set_font("Times", "", 9)
            self.set_y(-44)
            self.cell(0, 11, str(self.page_no()), align="C")

    def title_page(self) -> None:
        """Write the title page."""
        self.add_page()
        self.set_y(190)
        for size, text in ((22, self.source.title), (12, f"by {self.source.author}")):
            self.set_font("Times", "", size)
            self.cell(0, 2 * size, text, align="C", new_x="LMARGIN", new_y="NEXT")
        self.set_y(480)
        self.set_font("Times", "", 9)
        self.cell(0, 11, self.source.rights, align="C")

    def chapter(self, chapter: Chapter) -> None:
        """Write a chapter on a new page, with an outline entry."""
        self.add_page()
        self.start_section(chapter.title)
        self.set_y(96)
        self.set_font("Times", "B", 15)
        self.cell(0, 40, chapter.title, align="C", new_x="LMARGIN", new_y="NEXT")
        for number, text in enumerate(chapter.paragraphs):
            self.paragraph(text, self.indent if number else 0.0)

    def paragraph(self, text: str, indent: float) -> None:
        """Set a paragraph, breaking lines at spaces only.

        Args:
            text: its text; `*...*` is set in italics.
            indent: of the first line, points.
        """
        words = [
            (word, bool(number % 2))
            for number, piece in enumerate(_EMPHASIS.split(text))
            for word in re.findall(r"\S+|\s", piece)
        ]
        line: list[tuple[str, bool]] = []
        width = 0.0
        start = 0  # where in `line` its last unbroken word begins
        for word, italic in words:
            self.set_font("Times", "I" if italic else "", 11)
            width += self.get_string_width(word)
            line.append((word, italic))
            if word.isspace():
                start = len(line)
            elif width > self.epw - indent:
                self._line(line[:start], indent)
                line, start, indent = line[start:], 0, 0.0
                width = sum(self._width(*piece) for piece in line)
        self._line(line, indent)
        self.ln(self.paragraph_gap)

    def _width(self, text: str, italic: bool) -> float:
        self.set_font("Times", "I" if italic else "", 11)
        return float(self.get_string_width(text))

    def _line(self, pieces: list[tuple[str, bool]], indent: float) -> None:
        if self.will_page_break(self.leading):
            self.add_page()
        self.set_x(self.l_margin + indent)
        runs: list[tuple[str, bool]] = []
        for text, italic in pieces:
            if runs and runs[-1][1] == italic:
                runs[-1] = (runs[-1][0] + text, italic)
            else:
                runs.append((text, italic))
        self.c_margin = 0.0
        for text, italic in runs:
            self.cell(self._width(text, italic), self.leading, text)
        self.ln(self.leading)


def build_pdf(source: Source) -> bytes:
    """Return the book as PDF: A5, an outline of the chapters, running heads, page numbers."""
    pages = _Pages(source)
    pages.title_page()
    for chapter in source.chapters:
        pages.chapter(chapter)
    return bytes(pages.output())


def build(source_path: Path = SOURCE) -> dict[str, bytes]:
    """Build all formats.

    Args:
        source_path: the Markdown.

    Returns:
        The files' contents by name.
    """
    source = parse(source_path.read_text(encoding="utf-8"))
    builders = {"epub": build_epub, "pdf": build_pdf, "txt": build_text}
    return {f"{source_path.stem}.{suffix}": make(source) for suffix, make in builders.items()}


def main(arguments: list[str]) -> None:
    """Write the files into the folder named on the command line."""
    folder = Path(arguments[0]) if arguments else SOURCE.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in build().items():
        (folder / name).write_bytes(data)
        print(f"{folder / name}: {len(data):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
