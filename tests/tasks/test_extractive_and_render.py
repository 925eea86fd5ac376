"""Extracts, and results as people and programs read them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.grounding.cited import Citation, SentenceCitation, SummarySentence
from infini_cli.language.textrank import MAX_SENTENCES, rank_sentences
from infini_cli.reading import read_book
from infini_cli.reading.selection import select_chapters
from infini_cli.reading.sniff import Format
from infini_cli.tasks.extractive import summarize_without_model
from infini_cli.tasks.render import render, render_body, render_footer
from infini_cli.tasks.requests import SummaryRequest
from infini_cli.tasks.values import Answer, ModelInfo, SectionSummary, Summary
from infini_cli.tokens.coverage import Coverage
from tests.tokens.build import build_book

MODEL = ModelInfo("tiny", "abc", "int8", 2048)
COVERAGE = Coverage(21034, 21034, 14, 12, 16000, 16000)


def sentence(text: str, *chapters: int, paragraph: int = 0) -> SummarySentence:
    citations = tuple(
        citation(str(number), f"Chapter {number}", f"c{number:02}.b0001", number)
        for number in chapters
    )
    return SummarySentence(text, citations, bool(chapters), 0.8, paragraph)


def citation(label: str, title: str, block: str, start: int) -> SentenceCitation:
    return SentenceCitation(label, title, block, None, "It.", start, start + 3, 0.8)


def summary(**changes: object) -> Summary:
    values: dict[str, object] = {
        "title": "A Book",
        "authors": ("Ann Author",),
        "source_sha256": "0" * 64,
        "sentences": (sentence("It happens.", 3),),
        "sections": (),
        "method": "hierarchical",
        "length": "medium",
        "coverage": COVERAGE,
        "model": MODEL,
        "seed": 0,
        "seconds": 93.42,
    }
    return Summary(**{**values, **changes})  # type: ignore[arg-type]


def test_a_summary_as_markdown() -> None:
    assert render(summary(), "md") == (
        "# A Book\n\n*Ann Author*\n\nIt happens. [ch. 3]\n\n"
        "*Read 21,034 of 21,034 tokens in 14 segments, nothing dropped. "
        "1 of 1 sentence matched to passages. Model tiny, seed 0, 93.4 s.*"
    )


def test_a_summary_by_chapter_as_text() -> None:
    sections = (SectionSummary("3", "The Trough", (sentence("They rake.", 3),)),)
    assert render(summary(sentences=(), sections=sections), "text") == (
        "A Book by Ann Author\n\n3. The Trough\n\nThey rake. [ch. 3]\n\n"
        "Read 21,034 of 21,034 tokens in 14 segments, nothing dropped. "
        "1 of 1 sentence matched to passages. "
        "Model tiny, seed 0, 93.4 s."
    )


def test_a_mark_names_chapters_in_the_order_of_the_book() -> None:
    places = [("10", 900), ("i", 0), ("2", 200), ("iii", 300), ("2", 250)]
    citations = tuple(citation(label, "A Title", "c.b0001", start) for label, start in places)
    made = summary(authors=(), sentences=(SummarySentence("It rains.", citations, True, 0.8),))
    assert "It rains. [ch. i, 2, iii, 10]" in render_body(made, "md")


def test_a_book_with_a_title_page_is_cited_as_its_chapters_are_numbered() -> None:
    text = "# Rain\n\nAnn Author\n\n# Chapter 1\n\nIt rains.\n\n# Chapter 2\n\nThe rain stops.\n"
    book = read_book(text.encode(), name="rain.md", kind=Format.MARKDOWN)
    assert [chapter.label for chapter in book.chapters] == ["i", "1", "2"]
    lead = summarize_without_model(book, SummaryRequest(method="lead", length="20w"))
    assert "It rains. [ch. 1] The rain stops. [ch. 2]" in render(lead, "text")
    request = SummaryRequest(method="lead", by_chapter=True)
    shown = render(summarize_without_model(book, request), "text")
    assert "1. Chapter 1\n\nIt rains. [ch. 1]\n\n2. Chapter 2\n" in shown
    with_title = select_chapters(book, chapters="i")
    kept = summarize_without_model(with_title, SummaryRequest(method="lead", length="20w"))
    assert "Ann Author [ch. i]" in render(kept, "text")


def test_marks_stand_after_sentences_and_paragraphs_stay() -> None:
    sentences = (
        sentence("Pia rakes.", 5, 3, 3),
        sentence("Pirates rob her."),
        sentence("It rains.", 7, paragraph=1),
        sentence("\u4ed6\u6765\u4e86\u3002", 8, paragraph=1),
        sentence("\u5979\u8d70\u4e86\u3002", 8, paragraph=1),
    )
    made = summary(authors=(), sentences=sentences)
    assert made.text == (
        "Pia rakes. Pirates rob her.\n\nIt rains. \u4ed6\u6765\u4e86\u3002\u5979\u8d70\u4e86\u3002"
    )
    assert render_body(made, "md") == (
        "# A Book\n\nPia rakes. [ch. 3, 5] Pirates rob her. [unsupported]\n\n"
        "It rains. [ch. 7] \u4ed6\u6765\u4e86\u3002 [ch. 8]\u5979\u8d70\u4e86\u3002 [ch. 8]\n\n"
    )
    assert " 4 of 5 sentences matched to passages. " in render_footer(made, "md")


MARK = re.compile(r" \[(?:ch\. \d+(?:, \d+)*|unsupported)\]")
SENTENCES = st.lists(
    st.tuples(
        st.sampled_from(["It rains.", "Pia [the caster] rakes.", "\u6d77\u3002", "[ch. x]"]),
        st.lists(st.integers(1, 120), max_size=3),
        st.booleans(),
    ),
    max_size=8,
)


@given(SENTENCES, st.sampled_from(["md", "text"]))
def test_without_the_marks_there_is_the_text(
    drawn: list[tuple[str, list[int], bool]], form: str
) -> None:
    paragraph, made = 0, []
    for text, chapters, begins in drawn:
        paragraph += begins and bool(made)
        made.append(sentence(text, *chapters, paragraph=paragraph))
    whole = summary(sentences=tuple(made))
    bare = MARK.sub("", render_body(whole, form))
    assert bare.split("\n\n", 2 if form == "md" else 1)[-1].strip() == whole.text
    by_chapter = summary(sentences=(), sections=(SectionSummary("1", "One", tuple(made)),))
    assert by_chapter.text == ""
    assert MARK.sub("", render_body(by_chapter, form)).rstrip().endswith(whole.text)
    document = json.loads(render(whole, "json"))
    assert [item["text"] for item in document["sentences"]] == [s.text for s in made]
    assert [item["supported"] for item in document["sentences"]] == [s.supported for s in made]
    assert document["text"] == whole.text
    assert document["num_sentences"] == len(made)
    (section,) = json.loads(render(by_chapter, "json"))["sections"]
    assert (section["text"], len(section["sentences"])) == (whole.text, len(made))


def test_what_was_not_read_and_warnings_are_said() -> None:
    part = Coverage(100, 250, 2, 1, 80, 200)
    footer = render_footer(summary(coverage=part, warnings=("a page is missing",)), "md")
    assert "Read 100 of 250 tokens in 2 segments, 150 not read." in footer
    assert "Note: a page is missing." in footer


@pytest.mark.parametrize("form", ["md", "text"])
def test_body_and_footer_are_the_whole(form: str) -> None:
    assert render(summary(), form) == render_body(summary(), form) + render_footer(summary(), form)


def test_json_holds_everything() -> None:
    document = json.loads(render(summary(warnings=("w",)), "json"))
    assert document["schema"] == "infini/2"
    assert document["kind"] == "summary"
    assert document["coverage"] == COVERAGE.to_dict()
    (only,) = document["sentences"]
    assert (only["text"], only["supported"], only["score"]) == ("It happens.", True, 0.8)
    assert only["citations"] == [
        {
            "chapter_label": "3",
            "chapter_title": "Chapter 3",
            "block_id": "c03.b0001",
            "page": None,
            "quote": "It.",
            "start": 3,
            "end": 6,
            "score": 0.8,
        }
    ]
    assert document["num_supported"] == 1
    assert "explanation" not in document
    assert document["model"]["checkpoint"] == "abc"
    assert (document["seed"], document["seconds"], document["warnings"]) == (0, 93.42, ["w"])


def answer(text: str | None, *citations: Citation) -> Answer:
    return Answer("Who?", text, citations, "A Book", "0" * 64, COVERAGE, MODEL, 0, 1.0)


def test_an_answer_cites() -> None:
    citation = Citation(1, "2", "Chapter 2", "c02.b0003", "17", "Pia paid.", 40, 49)
    assert render(answer("Pia.", citation), "md").startswith(
        "Pia. [1]\n\n[1] Chapter 2, page 17\n> Pia paid.\n\n*Read"
    )
    assert '[1] Chapter 2, page 17: "Pia paid."' in render(answer("Pia.", citation), "text")


def test_no_answer_is_a_result() -> None:
    assert render(answer(None), "md").startswith("Not found in this book.\n\n")
    assert json.loads(render(answer(None), "json"))["answer"] is None


def test_lead_is_the_beginning_and_textrank_the_middle_of_things() -> None:
    texts = ["# One", "It was morning at the quay.", "The pilot has the heavy brass weight. " * 2]
    book = build_book(
        [texts, ["# Two", "The weight of brass is false. The pilot knows the weight."]]
    )
    lead = summarize_without_model(book, SummaryRequest(method="lead", length="20w"))
    assert lead.text.startswith("It was morning at the quay.")
    ranked = summarize_without_model(book, SummaryRequest(method="textrank", length="20w"))
    assert "weight" in ranked.text
    assert "morning" not in ranked.text
    assert lead.num_words <= 20
    for extract in (lead, ranked):
        assert extract.model is None
        assert extract.coverage.words_read == book.num_words


@pytest.mark.parametrize("method", ["lead", "textrank"])
@pytest.mark.parametrize("by_chapter", [False, True])
def test_an_extract_cites_its_own_place(method: str, by_chapter: bool) -> None:
    texts = ["# One", "It was morning at the\nquay. The pilot has a weight.", "Nobody came. " * 3]
    book = build_book([texts, ["# Two", "The weight of brass is false. Pia knows the weight."]])
    request = SummaryRequest(method=method, length="30w", by_chapter=by_chapter)
    made = summarize_without_model(book, request)
    assert made.all_sentences
    for sentence in made.all_sentences:
        (citation,) = sentence.citations
        assert sentence.supported
        assert book.text[citation.start : citation.end] == citation.quote
        assert " ".join(citation.quote.split()) == sentence.text
        assert citation.block_id.startswith(f"c{citation.chapter_label:0>2}.")
    if method == "textrank":
        assert made.all_sentences.count(made.all_sentences[0]) == 1
        said = [sentence.text for sentence in made.all_sentences]
        assert len(set(said)) == len(said)


def test_lead_never_skips_a_sentence() -> None:
    texts = ["# One", "One two three four.", "long " * 40 + "end.", "Five six."]
    request = SummaryRequest(method="lead", length="20w")
    assert summarize_without_model(build_book([texts]), request).text == "One two three four."


def test_by_chapter_every_chapter_has_its_extract() -> None:
    book = build_book([["# One", "First thing."], ["# Two", "Second thing."]])
    request = SummaryRequest(method="lead", by_chapter=True)
    sections = summarize_without_model(book, request).sections
    assert [section.text for section in sections] == ["First thing.", "Second thing."]


def test_long_books_are_ranked_in_bounded_memory() -> None:
    sentences = [f"The keeper of light {i % 97} saw ship number {i}." for i in range(5000)]
    ranked = rank_sentences(sentences, [str(i // 500) for i in range(5000)])
    assert 0 < len(ranked) <= MAX_SENTENCES
    assert len(set(ranked)) == len(ranked)
    assert ranked == rank_sentences(sentences, [str(i // 500) for i in range(5000)])
