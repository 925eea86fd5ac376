"""Layouts of the files that hold reference summaries and questions.

The project's own is one record an item. Three more are read as their makers publish them, told by
their keys: SQuALITY (Wang et al. 2022), FairytaleQA (Xu et al. 2022), and whole books with
questions and a plot summary, as NarrativeQA (Kocisky et al. 2018) has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from infini_cli.errors import DamagedInput, NoTextInput
from infini_cli.evaluation.items import QuestionItem, SummaryItem, Text
from infini_cli.evaluation.records import GUIDE, Record, path_inside, read_records

MAX_REFERENCE_WORDS = 4000
"""The longest common subsequence takes memory in proportion to the product of both lengths."""
_NUMBER = re.compile(r"\d{1,9}")

Item = TypeVar("Item", SummaryItem, QuestionItem)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the texts of a file are.

    Attributes:
        folder: paths in records begin here and may not leave it.
        book: the text of every record, whatever the record says; None: its own.
    """

    folder: Path
    book: Path | None = None

    def find(self, record: Record, text_key: str = "text", path_key: str = "book") -> Text:
        """Give a record's text: `--book`, else the one it holds, else the file it names.

        Raises:
            InputError: it has neither, or the file may not be read.
        """
        title = record.optional_text("title")
        if self.book is not None:
            return Text(path=self.book)
        content = record.optional_text(text_key)
        if content is not None:
            return Text(content=content, title=title)
        name = record.optional_text(path_key)
        if name is None:
            raise record.error(f"has neither `{text_key}` nor `{path_key}`")
        return Text(path=path_inside(self.folder, name, record.place), title=title)


def read_summary_items(
    path: Path, *, library: Path | None = None, book: Path | None = None
) -> list[SummaryItem]:
    """Read texts with their reference summaries.

    Args:
        path: JSON Lines.
        library: folder that paths in records begin in; that of the file where None.
        book: the text of all records.

    Raises:
        InputError: the file cannot be read, is damaged, or names a file outside the folder.
    """
    return _read(path, _summary_items, Sources(library or path.parent, book))


def read_question_items(
    path: Path, *, library: Path | None = None, book: Path | None = None
) -> list[QuestionItem]:
    """Read texts with questions and their answers; see `read_summary_items`."""
    return _read(path, _question_items, Sources(library or path.parent, book))


def _read(
    path: Path, layout: Callable[[Record, str, Sources], Iterable[Item]], sources: Sources
) -> list[Item]:
    items: dict[str, Item] = {}
    for number, record in zip(count(1), read_records(path), strict=False):
        for item in layout(record, str(number), sources):
            if item.id in items:
                raise record.error(f"has an `id` that was there before: {item.id!a}")
            items[item.id] = item
    if not items:
        raise NoTextInput(f"`{path}` holds nothing to measure", hint=GUIDE)
    return list(items.values())


def _summary_items(record: Record, number: str, sources: Sources) -> Iterator[SummaryItem]:
    if record.holds("document", "questions"):
        yield from _squality(record, number, sources)
        return
    if record.holds("qas", "book_txt"):
        text = sources.find(record, path_key="book_txt")
        yield SummaryItem(number, text, _references(record, ["summary"]))
        return
    yield SummaryItem(
        id=record.optional_text("id") or number,
        text=sources.find(record),
        references=_references(record, ["references", "reference"]),
        question=record.optional_text("question"),
    )


def _squality(record: Record, number: str, sources: Sources) -> Iterator[SummaryItem]:
    text = sources.find(record, text_key="document")
    for place, question in enumerate(record.records("questions"), start=1):
        references = tuple(
            reply
            for response in question.records("responses")
            for reply in _references(response, ["response_text"])
        )
        if not references:
            raise question.error("has no `responses`")
        yield SummaryItem(f"{number}.{place}", text, references, question.text("question_text"))


def _references(record: Record, keys: Iterable[str]) -> tuple[str, ...]:
    found = tuple(text for key in keys for text in record.texts(key))
    if not found:
        raise record.error("has no `references`")
    if max(len(text.split()) for text in found) > MAX_REFERENCE_WORDS:
        raise record.error(f"has a reference of more than {MAX_REFERENCE_WORDS:,} words")
    return found


def _question_items(record: Record, number: str, sources: Sources) -> Iterator[QuestionItem]:
    if record.holds("sections", "questions"):
        yield from _fairytale_qa(record, number, sources)
        return
    if record.holds("qas", "book_txt"):
        text = sources.find(record, path_key="book_txt")
        for place, asked in enumerate(record.records("qas"), start=1):
            answers = asked.texts("answers")
            yield QuestionItem(f"{number}.{place}", text, asked.text("question"), answers)
        return
    yield QuestionItem(
        id=record.optional_text("id") or number,
        text=sources.find(record),
        question=record.text("question"),
        answers=_answers(record),
        evidence=record.texts("evidence"),
    )


def _answers(record: Record) -> tuple[str, ...]:
    """Give `answer` or `answers`, with `aliases`; of an answer that is null there are none."""
    if "answer" not in record.values and "answers" not in record.values:
        raise record.error("has no `answer`, which is null where the text does not answer")
    answers = (*record.texts("answer"), *record.texts("answers"))
    return (*answers, *record.texts("aliases")) if answers else ()


def _fairytale_qa(record: Record, number: str, sources: Sources) -> Iterator[QuestionItem]:
    sections = record.texts("sections")
    title = (record.optional_text("story") or "").replace("-", " ")
    text = sources.find(Record(record.place, {"text": "\n\n".join(sections), "title": title}))
    for place, asked in enumerate(record.records("questions"), start=1):
        answers = tuple(answer for n in range(1, 7) for answer in asked.texts(f"answer{n}"))
        named = _NUMBER.findall(asked.optional_text("cor_section") or "")
        if any(not 1 <= int(section) <= len(sections) for section in named):
            raise DamagedInput(f"{asked.place} names a section that is not there", hint=GUIDE)
        yield QuestionItem(
            id=f"{number}.{place}",
            text=text,
            question=asked.text("question"),
            answers=tuple(dict.fromkeys(answers)),
            evidence=tuple(sections[int(section) - 1] for section in named),
        )
