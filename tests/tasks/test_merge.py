"""Merging notes: every part of the book has its share, however many notes there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from infini_cli.progress import silent
from infini_cli.store.book_memory import Note
from infini_cli.tasks import asking, merge
from infini_cli.tasks.asking import MAX_PROMPTS_AT_ONCE, Asking, Made, make
from infini_cli.tasks.length import MAX_OVERSHOOT
from infini_cli.tasks.merge import MAX_CHAPTER_NOTES, Merger
from infini_cli.tasks.model import Model
from infini_cli.tasks.parts import Part, note_parts
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.writer import Draft


class Shortener:
    """Stands in for the model: gives the first sentence of the notes it is shown."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, int]] = []

    def __call__(self, model: Model, asked: Sequence[str], **options: Any) -> list[Draft]:
        self.batches.append((options["what"], len(asked)))
        notes = [prompt.split("\n\n")[1] for prompt in asked]
        return [Draft(note.split(". ")[0].rstrip(".") + ".", 1, False) for note in notes]


@pytest.fixture
def shortener(monkeypatch: pytest.MonkeyPatch) -> Shortener:
    made = Shortener()
    monkeypatch.setattr(asking, "write_prompts", made)
    return made


@pytest.fixture
def merger(tiny: Model) -> Merger:
    return Merger(tiny.tokenizer, "The Book")


Run = Callable[[Asking[Made]], Made]


@pytest.fixture
def run(tiny: Model) -> Callable[[Asking[Any]], Any]:
    return lambda work: make([work], tiny, SamplingRequest(), silent)[0]


def parts(texts: Sequence[str]) -> list[Part]:
    return [Part(text, note=Note(index, "1", "One", text)) for index, text in enumerate(texts)]


def joined(written: Sequence[Part]) -> str:
    return " ".join(part.text for part in written)


def note(number: int) -> str:
    return f"Keeper{number} writes a name in the book of the island. Then comes a night of rain."


def test_every_part_has_a_sentence_in_order(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    text = joined(run(merger.hierarchical(parts([note(n) for n in range(60)]), 250)))
    found = [int(word[6:]) for word in text.split() if word.startswith("Keeper")]
    assert found == sorted(found)
    assert found[0] < 5
    assert found[-1] >= 55
    assert len(text.split()) <= 250 * MAX_OVERSHOOT
    assert max(size for _, size in shortener.batches) <= MAX_PROMPTS_AT_ONCE


def test_many_notes_are_shortened_level_by_level(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    long = [f"{note(n)} {note(n)} {note(n)}" for n in range(400)]
    text = joined(run(merger.hierarchical(parts(long), 40)))
    whats = [what for what, _ in shortener.batches]
    assert whats[0] == "summaries of parts"
    assert whats[-1] == "summary"
    assert 1 <= text.count("Keeper") <= 2


def test_notes_that_are_short_enough_are_not_written_again(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    written = run(merger.hierarchical(parts(["Orla wakes.", "Orla leaves."]), 40))
    assert joined(written) == "Orla wakes. Orla leaves."
    assert shortener.batches == []


def test_what_is_written_knows_its_notes(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    written = run(merger.hierarchical(parts([f"{note(n)} {note(n)}" for n in range(400)]), 120))
    told = [[source.segment for source in part.notes] for part in written]
    assert [segment for segments in told for segment in segments] == list(range(400))
    assert all(part.made_of for part in written)


def test_a_summary_carried_along_is_made_of_all_notes(
    merger: Merger, run: Run[Any], shortener: Shortener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "MAX_SOURCE_TOKENS", 60)
    part = run(merger.incremental(parts([note(n) for n in range(12)]), 30))
    assert [source.segment for source in part.notes] == list(range(12))
    assert len(shortener.batches) > 2


def test_chapters_are_written_as_one_batch(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    notes = [
        Note(index, f"{1 + index // 2}", f"Part {1 + index // 2}", note(index))
        for index in range(10)
    ]
    chapters = run(merger.chapters(note_parts(notes), 20))
    assert [part.notes[0].chapter_label for part in chapters] == ["1", "2", "3", "4", "5"]
    assert shortener.batches == [("chapters", 5)]
    for number, part in enumerate(chapters):
        assert part.text.startswith(f"Keeper{2 * number} ")


def test_a_long_chapter_is_shortened_first(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    notes = [Note(n, "1", "Long", f"{note(n)} {note(n)} {note(n)}") for n in range(50)]
    (chapter,) = run(merger.chapters(note_parts(notes), 20))
    assert [what for what, _ in shortener.batches][-1] == "chapters"
    assert shortener.batches[0][0] == "summaries of parts"
    assert MAX_CHAPTER_NOTES < -(-50 // 4)
    assert chapter.text.startswith("Keeper0 ")


def test_sections_on_the_same_notes_are_one_batch(
    merger: Merger, run: Run[Any], shortener: Shortener
) -> None:
    notes = parts([f"{note(n)} {note(n)}" for n in range(6)])
    people, places = run(merger.sections(notes, 60, ["\n\nWHO {words}", "\n\nWHERE {words}"]))
    assert shortener.batches == [("sections", 6)]
    assert len(people) == len(places) == 3
    assert [part.text for part in people] == [part.text for part in places]


def test_a_section_does_not_tell_notes_in_place_of_what_was_not_told(
    merger: Merger, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for a section of which nothing was told at all."""

    def write(model: Model, asked: Sequence[str], **options: Any) -> list[Draft]:
        tells = ["Keeper3" in prompt and "WHO" in prompt for prompt in asked]
        texts = ["Keeper3 writes a name." if one else "The notes are about rain." for one in tells]
        return [Draft(text, 1, False) for text in texts]

    monkeypatch.setattr(asking, "write_prompts", write)
    notes = parts([f"{note(n)} {note(n)}" for n in range(6)])
    people, places = run(merger.sections(notes, 60, ["\n\nWHO {words}", "\n\nWHERE {words}"]))
    assert [part.text for part in people] == ["Keeper3 writes a name."]
    assert [part.text for part in places] == [
        joined([first, second]) for first, second in zip(notes[::2], notes[1::2], strict=True)
    ]


def test_several_summaries_are_written_side_by_side(
    merger: Merger, tiny: Model, shortener: Shortener
) -> None:
    """Each is what it is by itself, and every batch has the prompts of all."""
    long = parts([f"{note(n)} {note(n)}" for n in range(20)])
    short = parts([note(n) for n in range(9)])

    def works() -> list[Asking[list[Part]]]:
        return [
            merger.hierarchical(long, 90),
            merger.hierarchical(short, 30),
            merger.hierarchical(parts(["Orla wakes."]), 30),
        ]

    def told(made: Sequence[Sequence[Part]]) -> list[list[str]]:
        return [[part.text for part in written] for written in made]

    alone = [make([work], tiny, SamplingRequest(), silent)[0] for work in works()]
    num_alone = sum(size for _, size in shortener.batches)
    assert len(shortener.batches) == 2
    shortener.batches.clear()
    assert told(make(works(), tiny, SamplingRequest(), silent)) == told(alone)
    assert [size for _, size in shortener.batches] == [num_alone]
