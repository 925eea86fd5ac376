"""Questions about one text put to another."""

from __future__ import annotations

from infini_cli.evaluation.items import QuestionItem, Text, with_strangers

TEXTS = [Text("one"), Text("two"), Text("three")]
ITEMS = [
    QuestionItem(f"{text.content}-{n}", text, f"What of {text.content}, {n}?", ("yes",) * (n > 0))
    for text in TEXTS
    for n in range(3)
]


def test_every_text_is_asked_what_others_answer() -> None:
    asked = with_strangers(ITEMS, 2, seed=1)
    own = [item for item in asked if item in ITEMS]
    assert own == ITEMS
    strange = [item for item in asked if item not in ITEMS]
    assert len(strange) == 6
    questions = {item.question: item for item in ITEMS}
    for item in strange:
        assert item.answers == ()
        assert questions[item.question].text != item.text
        assert questions[item.question].answers, "whether that text answers it must be known"
    texts = [item.text for item in asked]
    assert texts == sorted(texts, key=TEXTS.index), "those on a text follow each other"


def test_the_draw_is_the_seeds() -> None:
    assert with_strangers(ITEMS, 2, seed=1) == with_strangers(ITEMS, 2, seed=1)
    assert with_strangers(ITEMS, 2, seed=1) != with_strangers(ITEMS, 2, seed=2)


def test_one_text_alone_has_no_strangers() -> None:
    assert with_strangers(ITEMS[:3], 2, seed=1) == ITEMS[:3]
    assert with_strangers(ITEMS, 0, seed=1) == ITEMS
