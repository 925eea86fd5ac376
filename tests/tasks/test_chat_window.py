"""The model's window never overflows, whatever was said and asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infini_cli.errors import UsageError
from infini_cli.progress import silent
from infini_cli.tasks import chat_window
from infini_cli.tasks.answerer import ANSWER_TOKENS, Answerer, View
from infini_cli.tasks.ask import prepare
from infini_cli.tasks.chat_window import find_passages, fit, history
from infini_cli.tasks.model import Model
from infini_cli.tasks.requests import MemoryRequest, SamplingRequest
from infini_cli.tasks.values import Answer
from infini_cli.tokens.chat import Message
from tests.tasks.scenes import small_book
from tests.tokens.build import build_book


def answerer_of(model: Model, num_scenes: int = 12) -> Answerer:
    book = small_book(num_scenes)
    return prepare(book, model, silent, MemoryRequest(use_cache=False), SamplingRequest())


def answered(answerer: Answerer, *said: tuple[str, str | None]) -> list[Answer]:
    blank = answerer.result("", View(""), "", 0.0)
    return [replace(blank, question=question, answer=answer) for question, answer in said]


def test_the_last_turns_are_shown_in_order_and_no_more(tiny: Model) -> None:
    answerer = answerer_of(tiny)
    answers = answered(answerer, *((f"q{n}?", f"a{n}." if n != 7 else None) for n in range(9)))
    turns = history(answers, tiny)
    expected = [n for n in range(9) if n != 7][-chat_window.MAX_TURNS :]
    assert [message.content for message in turns] == [
        text for n in expected for text in (f"q{n}?", f"a{n}.")
    ]


def test_old_turns_go_when_their_tokens_are_too_many(tiny: Model) -> None:
    answerer = answerer_of(tiny)
    long = "The keeper wrote it. " * 40
    answers = answered(answerer, ("first?", long), ("second?", long), ("third?", "Short."))
    turns = history(answers, tiny)
    contents = [message.content for message in turns]
    assert contents[-2:] == ["third?", "Short."]
    assert "first?" not in contents
    counted = sum(len(tiny.tokenizer.encode(content)) for content in contents)
    assert counted <= chat_window.MAX_HISTORY_TOKENS


def test_half_of_the_passages_are_of_the_question_alone(tiny: Model) -> None:
    """A question about something new is not lost below the one before."""
    answerer = answerer_of(tiny)
    alone = find_passages(answerer, "What of keeper9?", None)
    after = find_passages(answerer, "What of keeper9?", "Who hides the lantern in the quay?")
    assert after[0] == alone[0]
    assert "Keeper9" in after[0].text
    assert any("quay" in passage.text for passage in after)
    assert len({passage.start for passage in after}) == len(after)


LETTERS = st.text(alphabet="keeper wrote0 \u65e5\u00e9\n", max_size=400)


@given(
    question=LETTERS,
    said=st.lists(LETTERS, max_size=4),
    positions=st.sampled_from([400, 700, 2048]),
)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nothing_overflows_the_window(
    tiny: Model, question: str, said: list[str], positions: int
) -> None:
    tiny = narrowed(tiny, positions)
    answerer = answerer_of(tiny, 6)
    turns = [Message("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(said)]
    turns = turns[: len(turns) // 2 * 2]
    found = find_passages(answerer, f"Keeper1 {question}", None)
    try:
        messages, kept = fit(answerer, turns, question, found)
    except UsageError:
        assert len(tiny.tokenizer.encode(question)) > positions - ANSWER_TOKENS - 330
        return
    assert len(tiny.chat.encode(messages)) + ANSWER_TOKENS <= positions
    assert messages[-1].content.endswith(question)
    assert kept
    for passage in kept:
        assert answerer.book.text[passage.start : passage.end] == passage.text
        assert passage.text in messages[-1].content


def test_passages_go_before_turns_and_the_last_one_is_cut(tiny: Model) -> None:
    turns = [Message("user", "q" * 40), Message("assistant", "a" * 40)]
    sizes = []
    for positions in (2048, 1000, 700, 500):
        answerer = answerer_of(narrowed(tiny, positions))
        found = find_passages(answerer, "Who hides the lantern?", None)
        messages, kept = fit(answerer, list(turns), "Who hides the lantern?", found)
        sizes.append((len(kept), len(messages)))
        assert kept[0].start == found[0].start
    assert sizes[0][1] == 4
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == (1, 2)
    assert len(kept[0].text) < len(found[0].text)


def test_a_question_that_is_too_long_is_refused(tiny: Model) -> None:
    answerer = answerer_of(tiny)
    question = "Who hides the lantern? " * 400
    with pytest.raises(UsageError, match="tokens, too many"):
        fit(answerer, [], question, find_passages(answerer, question, None))
    with pytest.raises(UsageError, match="tokens, too many"):
        fit(answerer, [], "xyzzy " * 2000, [])


def test_a_block_without_spaces_is_cut_like_any_other(tiny: Model) -> None:
    """Chinese counts few words and many tokens."""
    book = build_book([["# One", "\u706f\u5854\u7684\u5b88\u62a4\u8005" * 400]])
    answerer = prepare(book, tiny, silent, MemoryRequest(use_cache=False), SamplingRequest())
    found = find_passages(answerer, "\u706f\u5854", None)
    messages, kept = fit(answerer, [], "\u706f\u5854?", found)
    assert len(tiny.chat.encode(messages)) + ANSWER_TOKENS <= chat_window.WINDOW_TOKENS
    assert book.text[kept[0].start : kept[0].end] == kept[0].text


def narrowed(model: Model, positions: int) -> Model:
    """Give the model with fewer positions."""
    config = replace(model.decoder.config, max_position_embeddings=positions)

    class Narrow:
        def __init__(self) -> None:
            self.config = config
            self.is_closed = True

    return replace(model, decoder=Narrow())  # type: ignore[arg-type]
