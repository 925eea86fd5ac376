"""Chapters by lines of the table of contents, in one file or over several."""

from __future__ import annotations

from infini_cli.reading import read_book
from infini_cli.reading.epub import read_epub
from infini_cli.reading.raw import ReadOptions
from tests.reading.build import chapter, line, make_epub, nav, page


def chapters(contents: str, *bodies: str) -> list[tuple[str, str]]:
    """Give titles and texts of a book with these files `1.xhtml`, `2.xhtml`, ..."""
    files = {f"{number}.xhtml": body for number, body in enumerate(bodies, 1)}
    if contents:
        files["nav.xhtml"] = nav(contents)
    book = read_epub(make_epub(files), "a.epub", ReadOptions())
    return [
        (found.title, " ".join(block.text for block in found.blocks)) for found in book.chapters
    ]


def test_several_chapters_in_one_file() -> None:
    body = page(
        '<h2 id="a">A</h2><p>one</p><div id="b"><h2>B</h2><p>two</p></div>'
        '<p><a id="c"></a></p><h2>C</h2><p>three</p>'
    )
    contents = line("First", "1.xhtml#a") + line("Second", "1.xhtml#b") + line("Third", "1.xhtml#c")
    assert chapters(contents, body) == [
        ("First", "A one"),
        ("Second", "B two"),
        ("Third", "C three"),
    ]


def test_an_anchor_ends_the_bare_text_before_it() -> None:
    body = page('<div id="a">bare one <div id="b">two</div></div>')
    assert chapters(line("A", "1.xhtml#a") + line("B", "1.xhtml#b"), body) == [
        ("A", "bare one"),
        ("B", "two"),
    ]


def test_an_anchor_in_a_place_that_is_left_out() -> None:
    body = page('<p>one</p><p hidden="hidden" id="b">x</p><p>two</p><nav><a id="c"/></nav>three')
    contents = line("A", "1.xhtml") + line("B", "1.xhtml#b") + line("C", "1.xhtml#c")
    assert chapters(contents, body) == [("A", "one"), ("B", "two"), ("C", "three")]


def test_text_before_the_first_anchor_of_a_file_belongs_to_the_chapter_before() -> None:
    first, second = page('<h2 id="a">A</h2><p>one</p>'), page('<p>more</p><h2 id="b">B</h2>')
    contents = line("First", "1.xhtml#a") + line("Second", "2.xhtml#b")
    assert chapters(contents, first, second) == [("First", "A one more"), ("Second", "B")]


def test_files_that_go_on_with_a_chapter() -> None:
    bodies = (chapter("A", "one"), page("<p>more</p>"), chapter("Aside", level=3), chapter("B"))
    contents = line("First", "1.xhtml") + line("Second", "4.xhtml")
    assert [title for title, _ in chapters(contents, *bodies)] == ["First", "Second"]
    assert chapters(contents, *bodies)[0][1] == "A one more Aside It rained."


def test_files_that_the_contents_forget() -> None:
    bodies = (chapter("Alpha"), chapter("Beta"), chapter("Gamma"))
    assert [title for title, _ in chapters(line("First", "1.xhtml"), *bodies)] == [
        "First",
        "Beta",
        "Gamma",
    ]


def test_a_chapter_is_not_lost_to_the_title_page_before_it() -> None:
    bodies = (page("<p>Rain</p>", attributes='epub:type="titlepage"'), page("<p>It rained.</p>"))
    book = read_book(
        make_epub(
            {
                "nav.xhtml": nav(line("Title page", "1.xhtml")),
                "1.xhtml": bodies[0],
                "2.xhtml": bodies[1],
            }
        )
    )
    assert [chapter.skip_reason for chapter in book.chapters] == ["title page", None]


def test_lines_below_a_file_among_many_are_sections() -> None:
    act = page('<h2>Act</h2><p>a</p><h3 id="s">Scene</h3><p>b</p>')
    contents = "".join(
        line(f"Act {n}", f"{n}.xhtml", line(f"Scene {n}", f"{n}.xhtml#s")) for n in (1, 2, 3)
    )
    assert [title for title, _ in chapters(contents, act, act, act)] == ["Act 1", "Act 2", "Act 3"]


def test_lines_below_the_only_file_are_chapters() -> None:
    body = page('<h1>Book</h1><h2 id="a">A</h2><p>one</p><h2 id="b">B</h2><p>two</p>')
    contents = line("Book", "1.xhtml", line("First", "1.xhtml#a") + line("Second", "1.xhtml#b"))
    assert [title for title, _ in chapters(contents, body)] == ["Book", "First", "Second"]


def test_a_part_and_its_first_chapter_at_one_place() -> None:
    contents = line("Part I", "1.xhtml", line("Rain", "1.xhtml")) + line("Snow", "2.xhtml")
    assert [title for title, _ in chapters(contents, chapter("A"), chapter("B"))] == [
        "Rain",
        "Snow",
    ]


def test_anchors_that_lead_nowhere_are_found_by_their_headings() -> None:
    body = page("<h2>First</h2><p>one</p><h2>Second</h2><p>two</p>")
    contents = line("First", "1.xhtml#x") + line("Second", "1.xhtml#y")
    assert chapters(contents, body) == [("First", "First one"), ("Second", "Second two")]


def test_lines_that_lead_nowhere() -> None:
    contents = line("Gone", "9.xhtml") + line("Out", "https://example.org/") + line("", "1.xhtml")
    assert chapters(contents, chapter("A", "one")) == [("A", "A one")]
    assert [t for t, _ in chapters(line("Gone", "9.xhtml"), chapter("A"), chapter("B"))] == [
        "A",
        "B",
    ]


def test_notes_that_the_contents_name_can_be_asked_for() -> None:
    body = page(
        '<section id="a"><h2>A</h2><p>one<a epub:type="noteref">1</a></p></section>'
        '<section id="n" epub:type="endnotes"><h2>Remarks</h2><p>A note.</p></section>'
    )
    contents = nav(line("A", "1.xhtml#a") + line("Remarks", "1.xhtml#n"))
    book = read_book(make_epub({"nav.xhtml": contents, "1.xhtml": body}))
    assert [(found.text, found.skip_reason) for found in book.chapters] == [
        ("A\n\none", None),
        ("Remarks\n\nA note.", "notes"),
    ]


def test_every_block_is_in_one_chapter() -> None:
    bodies = [page(f'<p>{n}a</p><p id="x">{n}b</p><p>{n}c</p>') for n in range(6)]
    contents = line("X", "2.xhtml#x") + line("Y", "4.xhtml") + line("Z", "3.xhtml#x")
    words = " ".join(text for _, text in chapters(contents, *bodies)).split()
    assert words == [f"{n}{letter}" for n in range(6) for letter in "abc"]


def test_depth_is_that_of_the_contents() -> None:
    contents = line("Part", "1.xhtml", line("Chapter", "2.xhtml"))
    files = {"nav.xhtml": nav(contents), "1.xhtml": chapter("Part"), "2.xhtml": chapter("One")}
    book = read_book(make_epub(files))
    assert [(found.title, found.depth) for found in book.chapters] == [("Part", 0), ("Chapter", 1)]
