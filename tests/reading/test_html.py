"""A single HTML file: headings are chapters, the licence is not the book."""

from __future__ import annotations

from infini_cli.reading.html import declared_encoding, read_html
from infini_cli.reading.raw import ReadOptions

LINE = "The rain fell on the roofs and the town slept under it, as it had for years. "
PAGE = f"""<!DOCTYPE html><html lang="en"><head><title>The Weir</title></head><body>
<p>This ebook is for the use of anyone anywhere at no cost.</p>
<p>*** START OF THE PROJECT GUTENBERG EBOOK THE WEIR ***</p>
<h2>Chapter I</h2><p>{LINE * 9}</p><h2>Chapter II</h2><p>{LINE * 9}</p>
<p>*** END OF THE PROJECT GUTENBERG EBOOK THE WEIR ***</p>
<p>Updated editions will replace the previous one.</p>
</body></html>"""


def test_headings_are_chapters_and_the_licence_is_left_out() -> None:
    book = read_html(PAGE.encode(), "weir.html", ReadOptions())
    assert (book.title, book.language, book.format) == ("The Weir", "en", "html")
    text = "\n".join(block.text for chapter in book.chapters for block in chapter.blocks)
    assert text.count("The rain fell") == 18
    assert "GUTENBERG" not in text
    assert "Updated editions" not in text
    assert [chapter.title for chapter in book.chapters][-2:] == ["Chapter I", "Chapter II"]
    assert sum(removal.num_words for removal in book.removals) > 15


def test_an_encoding_in_the_file_is_found() -> None:
    assert declared_encoding(b'<meta charset="koi8-r">') == "koi8-r"
    assert declared_encoding(b"<p>charset=</p>") is None
