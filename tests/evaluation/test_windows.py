"""Windows: all of a context is new in one of them, and each begins with what came before it."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st
from infini_models.attention import NUM_SINKS

from infini_cli.evaluation.windows import MAX_REPEATED, Window, cut_windows
from infini_cli.tokens.sentence_ends import SentenceEnds
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.fixtures import ends as ends
from tests.tokens.fixtures import tokenizer as tokenizer

SENTENCE = " Here we go again."


def test_what_a_model_leaves_unwritten_is_what_is_repeated() -> None:
    assert MAX_REPEATED == NUM_SINKS


@given(
    num_tokens=st.integers(1, 400),
    size=st.integers(1, 90),
    num_question=st.integers(0, 30),
    has_sentences=st.booleans(),
)
def test_every_token_is_new_once_and_the_window_is_a_segment(
    num_tokens: int,
    size: int,
    num_question: int,
    has_sentences: bool,
    tokenizer: Tokenizer,
    ends: SentenceEnds,
) -> None:
    sentences = tokenizer.encode(SENTENCE * 100)[:num_tokens]
    context = tuple(sentences if has_sentences else range(num_tokens))
    windows = cut_windows(context, ends, size, num_question)
    assert sum((window.ids[window.num_repeated :] for window in windows), ()) == context
    assert all(0 < window.num_new <= len(window.ids) <= size for window in windows)
    assert windows[0].num_repeated == 0
    starts = accumulate(window.num_new for window in windows)
    for start, window in zip(starts, windows[1:], strict=False):
        assert window.num_repeated == min(MAX_REPEATED, size - 1, start)
        assert window.ids[: window.num_repeated] == context[start - window.num_repeated : start]
    if size > num_question + MAX_REPEATED:
        assert len(windows[-1].ids) + num_question <= size


def test_what_is_new_begins_with_a_sentence(tokenizer: Tokenizer, ends: SentenceEnds) -> None:
    context = tokenizer.encode(SENTENCE * 100)
    windows = cut_windows(context, ends, 150, 20)
    assert len(windows) > 5
    for window, after in pairwise(windows):
        assert tokenizer.decode(window.ids).endswith(SENTENCE)
        assert tokenizer.decode(after.ids[after.num_repeated :]).startswith(SENTENCE)


def test_a_short_context_is_one_window(ends: SentenceEnds) -> None:
    assert cut_windows((5, 6, 7), ends, 100, 20) == [Window((5, 6, 7))]
