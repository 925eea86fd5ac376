"""EPUBs as they are found: every trap is a small file of its own."""

from __future__ import annotations

import pytest

from infini_cli.errors import (
    DamagedInput,
    EncryptedInput,
    InputError,
    InputTooLarge,
    NoTextInput,
    ProtectedInput,
)
from infini_cli.reading import read_book
from infini_cli.reading.epub import read_epub
from infini_cli.reading.raw import RawBook, ReadOptions
from tests.reading.build import (
    CONTAINER,
    METADATA,
    chapter,
    line,
    make_epub,
    make_zip,
    nav,
    ncx,
    package,
    page,
)

ONE = chapter("One", "First words.")
TWO = chapter("Two", "Second words.")
CONTENTS = nav(line("The First", "one.xhtml") + line("The Second", "two.xhtml"))
LOCKED = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
OBFUSCATED = "http://www.idpf.org/2008/embedding"


def read(data: bytes) -> RawBook:
    return read_epub(data, "rain.epub", ReadOptions())


def titles(book: RawBook) -> list[tuple[str, str]]:
    return [(found.title, found.title_source) for found in book.chapters]


def text(book: RawBook) -> str:
    return "\n".join(block.text for found in book.chapters for block in found.blocks)


def encryption(algorithm: str, path: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">'
        f'<EncryptionMethod Algorithm="{algorithm}"/>'
        f'<CipherData><CipherReference URI="{path}"/></CipherData></EncryptedData></encryption>'
    )


def test_a_plain_book() -> None:
    book = read(make_epub({"nav.xhtml": CONTENTS, "one.xhtml": ONE, "two.xhtml": TWO}))
    assert titles(book) == [("The First", "toc"), ("The Second", "toc")]
    assert text(book) == "One\nFirst words.\nTwo\nSecond words."
    assert (book.title, book.authors, book.language) == ("Rain", ("Ann Author",), "en")
    assert book.metadata == {"identifier": "urn:x:1"}
    assert book.warnings == ()
    assert [found.source for found in book.chapters] == ["OEBPS/one.xhtml", "OEBPS/two.xhtml"]


def test_reading_order_is_the_spine_and_not_the_manifest() -> None:
    data = make_epub({"two.xhtml": TWO, "one.xhtml": ONE}, spine=["one.xhtml", "two.xhtml"])
    assert titles(read(data)) == [("One", "heading"), ("Two", "heading")]


def test_what_is_out_of_line_comes_last_as_a_chapter_of_its_own() -> None:
    data = make_epub(
        {"nav.xhtml": CONTENTS, "map.xhtml": page("<p>A map.</p>"), "one.xhtml": ONE},
        not_linear=["map.xhtml"],
    )
    assert [found.source for found in read(data).chapters] == ["OEBPS/one.xhtml", "OEBPS/map.xhtml"]


def test_files_that_are_listed_and_missing() -> None:
    book = read(make_epub({"one.xhtml": ONE}, listed=["style.css", "gone.xhtml", "a.png"]))
    assert text(book) == "One\nFirst words."
    assert book.warnings == ()
    book = read(make_epub({"one.xhtml": ONE}, listed=["b.xhtml"], spine=["b.xhtml", "one.xhtml"]))
    assert text(book) == "One\nFirst words."
    assert book.warnings == ("`OEBPS/b.xhtml` is listed but not in the file",)


def test_reading_order_names_what_is_not_listed() -> None:
    book = read(make_epub({"one.xhtml": ONE}, spine=["one.xhtml", "nobody"]))
    assert text(book) == "One\nFirst words."
    assert "nobody" in book.warnings[0] or "i" in book.warnings[0]


def test_no_reading_order() -> None:
    book = read(make_epub({"one.xhtml": ONE, "two.xhtml": TWO}, spine=[]))
    assert titles(book) == [("One", "heading"), ("Two", "heading")]
    assert book.warnings == ("no reading order is given; files are read as they are listed",)


@pytest.mark.parametrize("toc", [' toc="nobody"', ' toc=""', ""])
def test_dangling_ncx(toc: str) -> None:
    assert titles(read(make_epub({"one.xhtml": ONE}, toc=toc))) == [("One", "heading")]


@pytest.mark.parametrize("kind", ["", 'role="doc-toc"', 'epub:type="toc landmarks"'])
def test_navigation_that_does_not_say_what_it_is(kind: str) -> None:
    contents = nav(line("The First", "one.xhtml"), kind=kind)
    assert titles(read(make_epub({"nav.xhtml": contents, "one.xhtml": ONE}))) == [
        ("The First", "toc")
    ]


def test_a_list_of_pages_is_no_table_of_contents() -> None:
    contents = nav(line("7", "one.xhtml"), kind='epub:type="page-list"')
    assert titles(read(make_epub({"nav.xhtml": contents, "one.xhtml": ONE}))) == [
        ("One", "heading")
    ]


def test_ncx_in_a_folder_of_its_own() -> None:
    files = {"toc/toc.ncx": ncx([("The First", "../text/a%20b.xhtml")]), "text/a b.xhtml": ONE}
    assert titles(read(make_epub(files))) == [("The First", "toc")]


@pytest.mark.parametrize("content", [ncx([]), "", "<ncx", ncx([("", "one.xhtml")])])
def test_ncx_that_says_nothing(content: str) -> None:
    assert titles(read(make_epub({"toc.ncx": content, "one.xhtml": ONE}))) == [("One", "heading")]


def test_navigation_wins_over_ncx() -> None:
    files = {
        "toc.ncx": ncx([("Old", "one.xhtml")]),
        "nav.xhtml": nav(line("New", "one.xhtml")),
        "one.xhtml": ONE,
    }
    assert titles(read(make_epub(files))) == [("New", "toc")]
    assert titles(read(make_epub({**files, "nav.xhtml": nav("")}))) == [("Old", "toc")]


def test_titles_of_last_resort() -> None:
    book = read(
        make_epub(
            {
                "a.xhtml": page("<p>x</p>", title="Page title"),
                "b.xhtml": page("<p>y</p>", attributes='epub:type="index"'),
            }
        )
    )
    assert titles(book) == [("Page title", "file"), ("b", "file")]


def test_bare_text_in_the_body() -> None:
    assert text(read(make_epub({"one.xhtml": page("bare text")}))) == "bare text"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("cp1252", "windows-1252"),
        ("cp1252", "iso-8859-1"),
        ("utf-16", "utf-16"),
        ("utf-8-sig", "utf-8"),
        ("koi8-r", "koi8-r"),
    ],
)
def test_declared_encodings(encoding: str, declared: str) -> None:
    words = "\u0416\u0443\u043a" if encoding == "koi8-r" else "caf\u00e9 \u201cd\u00e9j\u00e0\u201d"
    markup = page(f"<p>{words}</p>").replace("utf-8", declared).encode(encoding)
    assert text(read(make_epub({"one.xhtml": markup}))) == words


@pytest.mark.parametrize(
    ("href", "name"),
    [
        ("a%20b.xhtml", "a b.xhtml"),
        ("a%20b.xhtml", "a%20b.xhtml"),
        ("ONE.XHTML", "one.xhtml"),
        ("u%CC%88.xhtml", "\u00fc.xhtml"),
        ("../../OEBPS/one.xhtml", "one.xhtml"),
    ],
)
def test_addresses_as_books_spell_them(href: str, name: str) -> None:
    opf = package(
        f'<item id="a" href="{href}" media-type="application/xhtml+xml"/>', '<itemref idref="a"/>'
    )
    assert text(read(make_epub({name: ONE}, opf=opf))) == "One\nFirst words."


def test_names_that_differ_only_in_case() -> None:
    book = read(make_epub({"one.xhtml": ONE, "ONE.xhtml": TWO}))
    assert text(book) == "One\nFirst words.\nTwo\nSecond words."


def test_a_file_that_is_no_markup_has_a_fallback() -> None:
    opf = package(
        '<item id="a" href="a.json" media-type="application/json" fallback="b"/>'
        '<item id="b" href="one.xhtml" media-type="application/xhtml+xml"/>',
        '<itemref idref="a"/>',
    )
    book = read(make_epub({"a.json": '{"no": "text"}', "one.xhtml": ONE}, opf=opf))
    assert text(book) == "One\nFirst words."


def test_fallbacks_in_a_circle() -> None:
    opf = package(
        '<item id="a" href="a.png" media-type="image/png" fallback="b"/>'
        '<item id="b" href="b.png" media-type="image/png" fallback="a"/>',
        '<itemref idref="a"/>',
    )
    with pytest.raises(NoTextInput):
        read(make_epub({"a.png": b"1", "b.png": b"2"}, opf=opf))


def test_a_package_of_before_epub() -> None:
    opf = (
        '<package xmlns="http://openebook.org/namespaces/oeb-package/1.0/"><metadata>'
        '<dc-metadata xmlns:dc="http://purl.org/dc/elements/1.0/"><dc:Title>Old</dc:Title>'
        '</dc-metadata></metadata><manifest><item id="a" href="one.html"'
        ' media-type="text/x-oeb1-document"/></manifest><spine><itemref idref="a"/></spine>'
        "</package>"
    )
    book = read(make_epub({"one.html": ONE}, opf=opf))
    assert (book.title, text(book)) == ("Old", "One\nFirst words.")


@pytest.mark.parametrize("container", ["", "<container/>", CONTAINER.replace("book.opf", "x.opf")])
def test_container_that_does_not_name_the_package(container: str) -> None:
    book = read(make_epub({"one.xhtml": ONE}, beside={"META-INF/container.xml": container}))
    assert text(book) == "One\nFirst words."
    assert "found it by its name" in " ".join(book.warnings)


def test_a_book_that_says_nothing_of_itself() -> None:
    opf = package(
        '<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>',
        '<itemref idref="a"/>',
        metadata="",
    )
    book = read(make_epub({"one.xhtml": ONE}, opf=opf))
    assert (book.title, book.authors, text(book)) == ("rain", (), "One\nFirst words.")


@pytest.mark.parametrize(
    "items",
    [
        "<item/>",
        '<item id="z" media-type="application/xhtml+xml"/>',
        '<item href="z.xhtml" media-type="application/xhtml+xml" properties="cover"/>',
        "<!-- <item/> --><other/>",
    ],
)
def test_odd_lines_in_the_manifest(items: str) -> None:
    opf = package(
        f'{items}<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>',
        '<itemref idref="a"/>',
    )
    assert text(read(make_epub({"one.xhtml": ONE}, opf=opf))) == "One\nFirst words."


def test_a_locked_book() -> None:
    data = make_epub(
        {"one.xhtml": bytes(range(256))},
        beside={"META-INF/encryption.xml": encryption(LOCKED, "OEBPS/one.xhtml")},
    )
    with pytest.raises(ProtectedInput):
        read(data)


@pytest.mark.parametrize(
    ("algorithm", "path"),
    [(OBFUSCATED, "OEBPS/font.otf"), (LOCKED, "OEBPS/film.mp4"), (OBFUSCATED, "OEBPS/one.xhtml")],
)
def test_what_is_no_lock(algorithm: str, path: str) -> None:
    data = make_epub(
        {"one.xhtml": ONE},
        beside={
            "META-INF/encryption.xml": encryption(algorithm, path),
            "META-INF/rights.xml": "<rights/>",
        },
    )
    assert text(read(data)) == "One\nFirst words."


def test_an_archive_with_a_password() -> None:
    data = bytearray(make_epub({"one.xhtml": ONE}))
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    with pytest.raises(EncryptedInput):
        read(bytes(data))


def test_only_pictures() -> None:
    with pytest.raises(NoTextInput, match="only pictures"):
        read(make_epub({"one.xhtml": page('<img src="a.png" alt="A page"/>')}))
    with pytest.raises(NoTextInput, match="no text"):
        read(make_epub({"one.xhtml": page("")}))


@pytest.mark.parametrize(
    "data",
    [
        make_epub({"one.xhtml": ONE})[:-60],
        make_zip({"mimetype": "application/epub+zip"}),
        make_epub({"one.xhtml": ONE}, opf="<package/>"),
        make_epub({"one.xhtml": ONE}, opf=""),
        make_epub({}, listed=["one.xhtml"], spine=["one.xhtml"]),
    ],
    ids=["cut off", "no package", "empty package", "no package text", "no chapter"],
)
def test_damaged_books(data: bytes) -> None:
    with pytest.raises(DamagedInput):
        read(data)


def test_a_damaged_chapter_costs_that_chapter() -> None:
    data = bytearray(make_epub({"one.xhtml": ONE, "two.xhtml": TWO}))
    place = data.index(b"OEBPS/two.xhtml") + len("OEBPS/two.xhtml")
    data[place : place + 20] = bytes(20)
    book = read(bytes(data))
    assert text(book) == "One\nFirst words."
    assert book.warnings == ("`OEBPS/two.xhtml` is damaged",)


def test_every_cut_of_a_file_is_an_input_error_or_a_book() -> None:
    data = make_epub({"nav.xhtml": CONTENTS, "one.xhtml": ONE, "two.xhtml": TWO})
    for end in range(4, len(data), 37):
        try:
            read(data[:end])
        except InputError:
            continue
        raise AssertionError("a zip archive without its list of files was read")


def test_every_flipped_byte_is_an_input_error_or_a_book() -> None:
    data = make_epub({"nav.xhtml": CONTENTS, "one.xhtml": ONE, "two.xhtml": TWO})
    num_read = 0
    for place in range(0, len(data), 5):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        try:
            num_read += bool(read(bytes(broken)).chapters)
        except InputError:
            continue
    assert num_read > 0


def entity_bomb(name: str) -> str:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 30))
    return f'<!DOCTYPE {name} [<!ENTITY a0 "x">{entities}]>'


def test_entities_are_not_expanded_in_chapters() -> None:
    markup = page("<p>Words &a29;</p>").replace("<!DOCTYPE html>", entity_bomb("html"))
    assert text(read(make_epub({"one.xhtml": markup}))) == "Words &a29;"


def test_entities_are_not_expanded_in_the_package() -> None:
    opf = package("", "", metadata=METADATA.replace("Rain", "&a29;"))
    with pytest.raises(DamagedInput):
        read(make_epub({}, opf=opf.replace("<package", f"{entity_bomb('package')}<package")))


def test_a_picture_under_a_false_name() -> None:
    book = read(make_epub({"one.xhtml": ONE, "two.xhtml": b"\x89PNG\r\n\x1a\n" + bytes(99)}))
    assert text(book) == "One\nFirst words."
    assert book.warnings == ("`OEBPS/two.xhtml` is no markup",)


def test_no_file_outside_is_read() -> None:
    opf = (
        '<!DOCTYPE package [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        + package(
            '<item id="a" href="../../../../../../etc/hostname"'
            ' media-type="application/xhtml+xml"/>'
            '<item id="b" href="one.xhtml" media-type="application/xhtml+xml"/>',
            '<itemref idref="a"/><itemref idref="b"/>',
            metadata=METADATA.replace("Rain", "Rain &x;"),
        ).partition("?>")[2]
    )
    book = read(make_epub({"one.xhtml": ONE}, opf=opf))
    assert text(book) == "One\nFirst words."
    assert book.title == "Rain"
    assert book.warnings == ("`etc/hostname` is listed but not in the file",)


def test_nesting_without_end() -> None:
    with pytest.raises(InputTooLarge):
        read(make_epub({"one.xhtml": page("<div>" * 50_000 + "deep")}))


def test_through_the_common_entrance() -> None:
    book = read_book(make_epub({"one.xhtml": ONE}), name="rain.epub")
    assert (book.format, book.chapters[0].blocks[1].id) == ("epub", "c01.b0002")


def test_the_licence_of_project_gutenberg() -> None:
    start = "*** START OF THE PROJECT GUTENBERG EBOOK RAIN ***"
    end = "*** END OF THE PROJECT GUTENBERG EBOOK RAIN ***"
    files = {
        "one.xhtml": page(f"<p>Header.</p><p>{start}</p><h2>One</h2><p>First words.</p>"),
        "two.xhtml": page(f"<h2>Two</h2><p>Second words.</p><p>{end}</p><p>Licence.</p>"),
    }
    book = read(make_epub(files))
    assert text(book) == "One\nFirst words.\nTwo\nSecond words."
    assert [(removal.what, removal.count) for removal in book.removals] == [("licence", 2)]


def test_page_labels_go_on_into_the_next_file() -> None:
    mark = '<span epub:type="pagebreak" title="12"/>'
    book = read(make_epub({"one.xhtml": page(f"<p>a{mark}</p><p>b</p>"), "two.xhtml": TWO}))
    pages = [block.page for found in book.chapters for block in found.blocks]
    assert pages == [None, "12", "12", "12"]
