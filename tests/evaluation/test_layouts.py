"""Files of references and questions: four layouts, and nothing that a file may do to its reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infini_cli.errors import DamagedInput, InputError, InputNotFound, NoTextInput
from infini_cli.evaluation.items import QuestionItem, Text, open_text, target_words, text_sha256
from infini_cli.evaluation.layouts import read_question_items, read_summary_items
from tests.project.imports import ROOT

STORY = "The keeper lit the lamp.\n\nThe ship came in at dawn."


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_summaries_in_the_projects_own_layout(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "story.txt").write_text(STORY, encoding="utf-8")
    path = write(
        tmp_path / "a.jsonl",
        {"text": STORY, "references": ["One two three.", "One."], "question": "Who?", "id": "x"},
        {"book": "books/story.txt", "reference": "A lamp.", "title": "The Lamp"},
        {"text": STORY, "book": "not-a-path", "reference": "A lamp.", "question": None, "id": 7},
    )
    plain, of_file, with_name = read_summary_items(path)
    assert (plain.id, plain.question) == ("x", "Who?")
    assert plain.references == ("One two three.", "One.")
    assert plain.text == Text(content=STORY)
    assert (of_file.id, of_file.question, of_file.references) == ("2", None, ("A lamp.",))
    book = open_text(of_file.text)
    assert book.title == "The Lamp"
    assert book.text == open_text(plain.text).text
    assert text_sha256(of_file.text) != text_sha256(plain.text)
    # The text stands before a `book`, which is then only a name.
    assert (with_name.id, with_name.text.path) == ("7", None)
    assert target_words(plain) == 20  # the least that a summary may be asked to have


def test_questions_in_the_projects_own_layout(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"text": STORY, "question": "What?", "answer": "lamp", "aliases": ["a lamp"]},
        {"text": STORY, "question": "Who?", "answers": ["the keeper", "keeper"], "evidence": "lit"},
        {"text": STORY, "question": "Where?", "answer": None, "aliases": ["nowhere"]},
        {"text": STORY, "question": "How many?", "answer": 1, "evidence": ["The ship", ""]},
        {"text": STORY, "question": "Why?", "answers": []},
    )
    items = read_question_items(path)
    assert [item.answers for item in items] == [
        ("lamp", "a lamp"),
        ("the keeper", "keeper"),
        (),
        ("1",),
        (),
    ]
    assert [item.evidence for item in items] == [(), ("lit",), (), ("The ship",), ()]


def test_one_book_for_all_records() -> None:
    book = ROOT / "examples" / "the-brass-tolm.epub"
    items = read_question_items(ROOT / "examples" / "questions.jsonl", book=book)
    assert len(items) == 50
    assert sum(not item.answers for item in items) == 10
    assert {item.text for item in items} == {Text(path=book)}
    assert all(bool(item.evidence) == bool(item.answers) for item in items)


SQUALITY = {
    "metadata": {"passage_id": "1"},
    "document": STORY,
    "questions": [
        {"question_text": "What is the plot?", "responses": [{"response_text": "A lamp."}] * 2},
        {"question_text": "Who?", "responses": [{"response_text": "The keeper."}]},
    ],
}
FAIRYTALE = {
    "story": "the-lamp",
    "sections": ["The keeper lit the lamp.", "The ship came in.", "It was dawn."],
    "questions": [
        {"question": "Who?", "cor_section": "1", "answer1": "the keeper", "answer4": "the keeper"},
        {"question": "When?", "cor_section": "2, 3", "answer1": "at dawn", "answer6": "dawn"},
    ],
}
BOOKS = {
    "title": "The Lamp",
    "book_txt": "novels/lamp.txt",
    "summary": "A lamp is lit.",
    "qas": [{"question": "Who?", "answers": ["the keeper", "a keeper"]}],
}


def test_layouts_of_published_sets(tmp_path: Path) -> None:
    (tmp_path / "novels").mkdir()
    (tmp_path / "novels" / "lamp.txt").write_text(STORY, encoding="utf-8")
    first, second = read_summary_items(write(tmp_path / "squality.jsonl", SQUALITY))
    assert (first.id, second.id) == ("1.1", "1.2")
    assert first.text is second.text
    assert (first.references, second.question) == (("A lamp.", "A lamp."), "Who?")
    who, when = read_question_items(write(tmp_path / "tales.jsonl", FAIRYTALE))
    assert who.answers == ("the keeper",)
    assert when.answers == ("at dawn", "dawn")
    assert when.evidence == ("The ship came in.", "It was dawn.")
    assert (open_text(who.text).title, open_text(who.text).num_words) == ("the lamp", 12)
    folder = tmp_path / "qa"
    folder.mkdir()
    path = write(folder / "books.jsonl", BOOKS)
    with pytest.raises(InputNotFound, match="is not there"):
        read_summary_items(path)
    (summary,) = read_summary_items(path, library=tmp_path)
    assert summary.references == ("A lamp is lit.",)
    (question,) = read_question_items(path, library=tmp_path)
    assert question.answers == ("the keeper", "a keeper")
    assert open_text(question.text).title == "The Lamp"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "link.txt", "linked/secret.txt"]
)
def test_a_path_may_not_leave_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text(STORY, encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path)
    path = write(folder / "a.jsonl", {"book": name, "reference": "A lamp."})
    with pytest.raises(InputError, match="outside its folder") as caught:
        read_summary_items(path)
    assert caught.value.hint is not None
    assert "--library" in caught.value.hint


@pytest.mark.parametrize("name", ["none.txt", "folder", "a\0b", "x" * 5000, "loop", "."])
def test_a_path_without_a_file_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    path = write(tmp_path / "a.jsonl", {"book": name, "reference": "A lamp."})
    with pytest.raises(InputError):
        read_summary_items(path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"reference": "A lamp."}, "neither `text` nor `book`"),
        ({"text": STORY}, "no `references`"),
        ({"text": STORY, "references": ["", " "]}, "no `references`"),
        ({"text": STORY, "references": [["A lamp."]]}, "`references` that is no text"),
        ({"text": {"a": 1}, "reference": "A lamp."}, "`text` that is no text"),
        ({"text": True, "reference": "A lamp."}, "`text` that is no text"),
        ({"text": STORY, "reference": "word " * 4001}, "more than 4,000 words"),
        ({**SQUALITY, "questions": {"a": 1}}, "no list of objects"),
        ({**SQUALITY, "questions": [{"question_text": "W?", "responses": []}]}, "no `responses`"),
        ([1, 2], "no JSON object"),
    ],
)
def test_what_is_wrong_with_a_summary_is_said(record: object, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": STORY, "reference": "A lamp."}, record)
    with pytest.raises(DamagedInput, match=message) as caught:
        read_summary_items(path)
    assert caught.value.message.startswith("line 2 of `a.jsonl`")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": STORY, "answer": "lamp"}, "no `question`"),
        ({"text": STORY, "question": "What?"}, "no `answer`"),
        ({**FAIRYTALE, "questions": [{"question": "W?", "cor_section": "4"}]}, "not there"),
        ({**FAIRYTALE, "questions": [{"question": "W?", "cor_section": "0"}]}, "not there"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(
    record: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DamagedInput, match=message):
        read_question_items(write(tmp_path / "a.jsonl", record))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_summary_items(tmp_path / "none.jsonl")
    path = tmp_path / "a.jsonl"
    for data, kind in ((b"\n \n", NoTextInput), (b"{", DamagedInput), (b"\xff", DamagedInput)):
        path.write_bytes(data)
        with pytest.raises(kind):
            read_summary_items(path)
    path.write_bytes(b"[" * 200_000)
    with pytest.raises(DamagedInput, match="no JSON"):
        read_summary_items(path)
    twice = {"text": STORY, "reference": "A lamp.", "id": "a"}
    with pytest.raises(DamagedInput, match="was there before"):
        read_summary_items(write(path, twice, twice))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    "id",
    "text",
    "book",
    "title",
    "reference",
    "references",
    "question",
    "answer",
    "answers",
    "evidence",
    "document",
    "questions",
    "sections",
    "qas",
    "book_txt",
    "summary",
)


@settings(deadline=None)
@given(record=st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_record_is_read_or_refused(
    record: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "a.jsonl", record)
    for read in (read_summary_items, read_question_items):
        try:
            items = read(path)
        except InputError:
            continue
        for item in items:
            asked = item.question if isinstance(item, QuestionItem) else item.references[0]
            asked.encode("utf-8")
            assert asked.strip()
            text_sha256(item.text)


@pytest.mark.corpus
def test_the_corpora_are_read_as_they_are(corpus: Path) -> None:
    squality = read_summary_items(corpus / "squality" / "dev.jsonl")
    assert len(squality) == 125
    assert all(len(item.references) == 4 and item.question for item in squality)
    for path in (corpus / "chapter-summaries").glob("*.jsonl"):
        assert all(len(item.references) == 1 for item in read_summary_items(path))
    books = corpus / "book-qa" / "books_qa.jsonl"
    assert len(read_summary_items(books, library=corpus)) == 9
    assert all(len(item.answers) == 2 for item in read_question_items(books, library=corpus))
    tales = read_question_items(corpus / "fairytale-qa" / "val.jsonl")
    assert len(tales) == 1025
    assert all(item.answers and item.evidence for item in tales)
