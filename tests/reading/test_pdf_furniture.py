from __future__ import annotations

from infini_cli.reading.pdf_furniture import remove_furniture
from infini_cli.reading.pdf_lines import Line

WORDS = [
    "fox",
    "hen",
    "goose",
    "brook",
    "weir",
    "mill",
    "barn",
    "lane",
    "gate",
    "wood",
    "rook",
    "hare",
]


def page(number: int, top: str, bottom: str, body: int = 20) -> list[Line]:
    lines = [Line(top, number, 100, 800, 9)] if top else []
    for row in range(body):
        text = f"the {WORDS[(number + row) % 11]} ran past the {WORDS[(2 * number + row) % 11]}"
        lines.append(Line(f"{text} and was gone", number, 50, 760 - 14 * row, 11))
    return lines + ([Line(bottom, number, 300, 40, 9)] if bottom else [])


def labels(num_pages: int) -> list[str]:
    return [str(index + 1) for index in range(num_pages)]


def test_alternating_heads_and_numbers_go_and_are_counted() -> None:
    pages = [
        page(n, "A Novella" if n % 2 else f"{n + 1} The Fox", f"- {n + 1} -") for n in range(8)
    ]
    furniture = remove_furniture(pages, labels(8))
    assert all(len(lines) == 20 for lines in furniture.pages)
    assert {(r.what, r.count, r.num_words) for r in furniture.removals} == {
        ("page header", 8, 4 * 2 + 4 * 3),
        ("page number", 8, 24),
    }


def test_roman_numbers_go() -> None:
    roman = ["i", "ii", "iii", "iv", "v"]
    furniture = remove_furniture([page(n, "", roman[n]) for n in range(5)], roman)
    assert [r.what for r in furniture.removals] == ["page number"]


def test_chapter_headings_on_every_second_page_stay() -> None:
    pages = [page(n, f"Chapter {n // 2 + 1}" if n % 2 == 0 else "", "") for n in range(12)]
    assert remove_furniture(pages, labels(12)).removals == ()


def test_even_where_chapters_count_along_with_pages() -> None:
    pages = [page(n, f"Chapter {n + 1}", "") for n in range(6)]
    assert remove_furniture(pages, labels(6)).removals == ()


def test_the_same_words_lower_on_the_page_stay() -> None:
    pages = [page(n, "The Fox", "") for n in range(5)]
    pages[0].insert(1, Line("The Fox", 0, 100, 780, 18))
    assert Line("The Fox", 0, 100, 780, 18) in remove_furniture(pages, labels(5)).pages[0]


def test_nothing_is_removed_where_too_much_repeats() -> None:
    pages = [page(n, "the same refrain", "", body=1) for n in range(5)]
    furniture = remove_furniture(pages, labels(5))
    assert furniture.removals == ()
    assert furniture.pages == pages
    assert "15 %" in furniture.warnings[0]
