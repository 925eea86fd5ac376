from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from fpdf import FPDF

from infini_cli.errors import DamagedInput, NoTextInput
from infini_cli.reading import read_book
from infini_cli.reading.book import BlockKind
from infini_cli.reading.markdown import read_markdown
from infini_cli.reading.pdf import read_pdf
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.text import read_text

TITLES = [
    "Chapter 1. The Caf\u00e9 by the Weir",
    "Chapter 2. A Well-Known Fox",
    "Chapter 3. Na\u00efve Rain",
]
SENTENCES = [
    "\u201cIt was a dark\u2014and stormy\u2014night,\u201d said \u00c9tienne, who had seen many.",
    "The na\u00efve rain fell on the well-known weir, on the window, and on the goose.",
    "Nobody spoke; the ferryman\u2019s half-open door let in the smell of the caf\u00e9.",
    "\u201cWhere is the goose?\u201d she asked. \u201cUnder the win\u00addow,\u201d he said.",
]


def paragraphs(chapter: int) -> list[str]:
    return [
        " ".join(SENTENCES[(chapter + number + offset) % 4] for offset in range(2 + number % 5))
        for number in range(14)
    ]


class Pages(FPDF):
    def header(self) -> None:
        self.set_font("Times", "I", 9)
        self.cell(0, 8, "The Weir" if self.page_no() % 2 else "A. Writer", align="C")
        self.ln(12)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("Times", "", 9)
        self.cell(0, 8, f"- {self.page_no()} -", align="C")


def make_pdf(*, outline: bool = True, align: str = "J") -> bytes:
    pdf = Pages(format=(120, 170))
    pdf.core_fonts_encoding = "cp1252"
    pdf.set_title("The Weir")
    pdf.set_author("A. Writer")
    for chapter, title in enumerate(TITLES):
        pdf.add_page()
        if outline:
            pdf.start_section(title)
        pdf.set_font("Times", "B", 16)
        pdf.multi_cell(0, 9, title, align="C", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(6)
        pdf.set_font("Times", "", 11)
        for text in paragraphs(chapter):
            pdf.multi_cell(0, 5.5, text, align=align, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(2.5)
    return bytes(pdf.output())


def words(book: RawBook) -> list[tuple[str, list[str]]]:
    return [
        (chapter.title, [word for block in chapter.blocks for word in block.text.split()])
        for chapter in book.chapters
    ]


EXPECTED = [
    (title, " ".join([title, *paragraphs(chapter)]).replace("\u00ad", "").split())
    for chapter, title in enumerate(TITLES)
]


@pytest.mark.parametrize("outline", [True, False])
@pytest.mark.parametrize("align", ["J", "L"])
def test_pdf_text_and_markdown_have_the_same_chapters_and_words(outline: bool, align: str) -> None:
    pdf = read_pdf(make_pdf(outline=outline, align=align), "a.pdf", ReadOptions())
    text = "\n\n\n".join(
        "\n\n".join([title, *(textwrap.fill(p, 72, break_on_hyphens=True) for p in paragraphs(n))])
        for n, title in enumerate(TITLES)
    )
    markdown = "\n\n".join(
        "\n\n".join([f"# {title}", *paragraphs(n)]) for n, title in enumerate(TITLES)
    )
    assert words(pdf) == EXPECTED
    assert words(read_text(text.encode(), "a.txt", ReadOptions())) == EXPECTED
    assert words(read_markdown(markdown.encode(), "a.md", ReadOptions())) == EXPECTED


def test_title_author_pages_and_removals() -> None:
    book = read_pdf(make_pdf(), "a.pdf", ReadOptions())
    assert (book.title, book.authors) == ("The Weir", ("A. Writer",))
    first = book.chapters[0].blocks[0]
    assert (first.kind, first.level, first.page) == (BlockKind.HEADING, 1, "1")
    assert {"page header", "page number"} <= {removal.what for removal in book.removals}
    assert book.chapters[0].title_source == "toc"


def test_pictures_without_text_are_a_scan() -> None:
    pdf = FPDF()
    for _ in range(3):
        pdf.add_page()
        pdf.rect(10, 10, 50, 50, style="F")
    with pytest.raises(NoTextInput) as caught:
        read_pdf(bytes(pdf.output()), "a.pdf", ReadOptions())
    assert caught.value.hint is not None
    assert "ocrmypdf" in caught.value.hint


def test_a_long_text_without_any_structure_is_cut_by_length_and_says_so() -> None:
    pdf = FPDF()
    pdf.set_font("Times", "", 11)
    pdf.add_page()
    animals = ["fox", "hen", "goose", "rook", "hare", "mole", "wren"]
    for number in range(430):
        text = " ".join(
            f"The {animals[(number + place) % 7]} met a {animals[number * place % 7]} at the weir."
            for place in range(5)
        )
        pdf.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
    book = read_book(bytes(pdf.output()), name="a.pdf")
    assert [chapter.title for chapter in book.chapters] == [
        "Pages 1-7",
        "Pages 7-14",
        "Pages 14-20",
    ]
    assert {chapter.source for chapter in book.chapters} == {
        "pages 1-7",
        "pages 7-14",
        "pages 14-20",
    }
    assert "by length" in book.warnings[-1]
    assert all(chapter.title_source == "position" for chapter in book.chapters)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("ocrmypdf/linn.pdf", NoTextInput),
        ("ocrmypdf/invalid.pdf", DamagedInput),
        ("ocrmypdf/vector.pdf", NoTextInput),
    ],
)
def test_samples_without_text_or_broken(corpus: Path, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_pdf((corpus / "pdf-samples" / path).read_bytes(), path, ReadOptions())


@pytest.mark.corpus
def test_a_textbook_of_117_pages_has_its_chapters(corpus: Path) -> None:
    path = corpus / "pdf-samples/py-pdf-sample-files/009-pdflatex-geotopo/GeoTopo-komprimiert.pdf"
    book = read_pdf(path.read_bytes(), path.name, ReadOptions())
    titles = [chapter.title for chapter in book.chapters]
    assert "1 Topologische Grundbegriffe" in titles
    assert book.chapters[0].blocks[0].page == "i"
    assert sum(removal.count for removal in book.removals if removal.what == "page header") > 80
