"""Markup to blocks."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.errors import InputTooLarge
from infini_cli.reading.book import BlockKind, Removal
from infini_cli.reading.xhtml import read_markup


def blocks(markup: str) -> list[tuple[str, str]]:
    return [(block.kind.value, block.text) for block in read_markup(markup).blocks]


def texts(markup: str) -> list[str]:
    return [text for _, text in blocks(markup)]


def test_kinds() -> None:
    markup = (
        "<h1>Title</h1><p>Plain.</p><blockquote><p>Said.</p></blockquote><ul><li>Item</li></ul>"
        "<p>one<br/>two</p><hr/><table><tr><td>a</td><td>b</td></tr></table>"
    )
    assert blocks(markup) == [
        ("heading", "Title"),
        ("paragraph", "Plain."),
        ("quote", "Said."),
        ("list_item", "Item"),
        ("verse", "one\ntwo"),
        ("separator", "* * *"),
        ("table_row", "a\tb"),
    ]


def test_headings_have_levels_and_one_line() -> None:
    markup = "<h3>Chapter<br/>One</h3><hgroup><h2>II</h2><p>The Sea</p></hgroup>"
    found = [(block.text, block.level) for block in read_markup(markup).blocks]
    assert found == [("Chapter One", 3), ("II", 2), ("The Sea", 6)]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<html><head><title/></head><body><p>after an empty title</p></body></html>", 1),
        ("<html><head><script/><style/></head><body><p>after empty scripts</p></body></html>", 1),
        ("<p/><div/><a id='x'/><p>after empty elements</p>", 1),
        ("<p>open<p>open again", 2),
        ("<div>One</div><div>two</div>", 2),
        ("bare text", 1),
        ("", 0),
        ("   \n ", 0),
        ("\x00", 0),
        ("<!DOCTYPE html [<!ENTITY x 'y'>]><html><body>after entities</body></html>", 1),
        ("<?xml version='1.0' encoding='utf-8'?><!-- c --><p>after a declaration</p>", 1),
    ],
)
def test_markup_as_it_is_found(markup: str, expected: int) -> None:
    assert len(texts(markup)) == expected


def test_words_of_neighbouring_elements_are_not_joined() -> None:
    assert texts("<div>One<p>two</p>three</div>") == ["One", "two", "three"]
    assert texts("<p>T<span>he</span> <b>end</b></p>") == ["The end"]


def test_entities_and_spaces() -> None:
    assert texts("<p>caf&eacute;&nbsp;&#8212;\n\t x&shy;y\u200bz</p>") == ["caf\u00e9 \u2014 xyz"]


def test_prefixed_elements() -> None:
    assert texts("<html:p>one</html:p><html:p>two</html:p>") == ["one", "two"]


def test_comments_and_instructions_are_no_text() -> None:
    assert texts("<p>a<!-- secret --><?php secret ?>b</p>") == ["ab"]


def test_lines_of_verse_and_code() -> None:
    assert texts("<p><span>one</span><br/><span>  two</span></p>") == ["one\ntwo"]
    assert texts("<pre>one\n\n  two</pre>") == ["one\ntwo"]


def test_pages_laid_out_by_tables() -> None:
    body = "".join(f"<p>{number}</p>" for number in range(10))
    markup = f"<table><tr><td><h2>A</h2>{body}</td><td>beside</td></tr></table>"
    assert texts(markup) == ["A", *"0123456789", "beside"]
    assert blocks("<table><tr><td><p>a</p><p>b</p></td></tr></table>") == [("table_row", "a b")]


def test_what_is_left_out_is_counted() -> None:
    markup = (
        '<p>He<a epub:type="noteref" href="#n">12</a> slept.</p>'
        '<aside epub:type="footnote" id="n">A long note.</aside>'
        "<p><ruby>\u6f22<rp>(</rp><rt>kan</rt><rp>)</rp></ruby></p>"
        "<p hidden=''>unseen</p><p style='Display : none'>unseen too</p>"
        "<nav><ol><li>Contents</li></ol></nav><script>code()</script><style>p{}</style>"
    )
    parsed = read_markup(markup)
    assert [block.text for block in parsed.blocks] == ["He slept.", "\u6f22"]
    assert set(parsed.removals) == {
        Removal("note mark", 1, 1),
        Removal("note", 1, 3),
        Removal("pronunciation", 3, 3),
        Removal("hidden text", 2, 3),
        Removal("navigation", 1, 1),
    }


def test_roles_by_the_other_attribute() -> None:
    assert texts('<p>a<a role="doc-noteref">1</a></p><div role="doc-endnotes">n</div>') == ["a"]


def test_a_document_of_notes_keeps_them() -> None:
    inner = '<ol><li epub:type="endnote">One.</li><li epub:type="endnote">Two.</li></ol>'
    parsed = read_markup(f'<body><section epub:type="endnotes">{inner}</section></body>')
    assert [block.text for block in parsed.blocks] == ["One.", "Two."]
    assert "endnotes" in parsed.roles


def test_roles_of_the_document_are_those_of_what_holds_all_of_it() -> None:
    inner = '<section epub:type="z3998:Preface">x</section>'
    assert read_markup(f'<body epub:type="frontmatter">{inner}</body>').roles == {
        "frontmatter",
        "preface",
    }
    assert read_markup(f"<body>{inner}<p>y</p></body>").roles == frozenset()


def test_pages() -> None:
    markup = (
        '<p>a</p><span epub:type="pagebreak" title="4"/><p>b'
        '<span role="doc-pagebreak" aria-label=" 5. "></span>c</p>'
        '<span epub:type="pagebreak">6</span><p>d</p><p>e</p>'
    )
    parsed = read_markup(markup, page="3")
    assert [(block.text, block.page) for block in parsed.blocks] == [
        ("a", "3"),
        ("bc", "4"),
        ("d", "6"),
        ("e", "6"),
    ]
    assert parsed.last_page == "6"
    assert parsed.removals == (Removal("page number", 3, 1),)


def test_anchors() -> None:
    parsed = read_markup(
        '<body id="all"><p id="a">x<span id="b">y</span></p><a name="c"></a>'
        '<div id="d" epub:type="chapter"><h2 id="e">z</h2></div><p id="end"></p></body>'
    )
    places = {name: anchor.block for name, anchor in parsed.anchors.items()}
    assert places == {"all": 0, "a": 0, "b": 0, "c": 1, "d": 1, "e": 1, "end": 2}
    assert parsed.anchors["e"].roles == {"chapter"}
    assert parsed.anchors["a"].roles == frozenset()


def test_pictures_are_counted() -> None:
    parsed = read_markup('<img src="a.png"/><svg><image/><text>label</text></svg>')
    assert (parsed.blocks, parsed.num_pictures) == ((), 2)


def test_title_and_language() -> None:
    parsed = read_markup('<html lang="fr"><head><title> A\n b </title></head><p>x</p></html>')
    assert (parsed.title, parsed.language) == ("A b", "fr")


def test_nesting_is_bounded() -> None:
    assert texts("<p>a</p>" + "<b>" * 500 + "deep") == ["a", "deep"]
    with pytest.raises(InputTooLarge):
        read_markup("<div>" * 10_000 + "too deep")


def test_many_comments_take_no_time() -> None:
    assert texts("<!-- a -->" * 1000 + "<p>x</p>") == ["x"]
    assert texts("<!-- a -->" * 1000 + "<!DOCTYPE html [<!ENTITY a 'b'>]><p>x</p>") == ["x"]


@given(st.lists(st.text(min_size=1), max_size=5))
def test_every_word_of_a_paragraph_comes_out(paragraphs: list[str]) -> None:
    usable = [
        "".join(c for c in text if c.isprintable() and c not in "\u00ad\u200b\u2060\ufeff")
        for text in paragraphs
    ]
    markup = "".join(f"<p>{escape(text)}</p>" for text in usable)
    found = [word for text in texts(markup) for word in text.split()]
    assert found == [word for text in usable for word in text.split()]


@given(st.text(alphabet="<>/=\"'&;!-[]?p abdhiv1\n\x00\u00e9"))
def test_no_markup_is_fatal(markup: str) -> None:
    for block in read_markup(markup).blocks:
        assert block.text == block.text.strip()
        assert "\n" not in block.text or block.kind is BlockKind.VERSE
