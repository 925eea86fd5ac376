"""Read a single HTML file: headings are chapters."""

from __future__ import annotations

from infini_cli.reading.encoding import declared_encoding, decode
from infini_cli.reading.markup_book import Declared, book_of_markup
from infini_cli.reading.raw import RawBook, ReadOptions
from infini_cli.reading.xhtml import read_markup


def read_html(data: bytes, name: str, options: ReadOptions) -> RawBook:
    """Read HTML.

    Args:
        data: the file.
        name: its name; the title where the text names none.
        options: `encoding` overrides what the file declares.

    Raises:
        UsageError: `options.encoding` is no encoding.
        DamagedInput: the file is not in the encoding that the user names.
    """
    decoded = decode(data, override=options.encoding, declared=declared_encoding(data))
    markup = read_markup(decoded.text, options)
    return book_of_markup(
        markup,
        name,
        "html",
        Declared(markup.title, (), markup.language),
        warnings=decoded.warnings,
        encoding=decoded.encoding,
    )
