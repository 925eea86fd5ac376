from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infini_cli.reading.book import Book
from infini_cli.tokens.segments import SegmentPlan, plan_segments
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.build import Style, build_book, build_tokenizer

STYLES: tuple[Style, ...] = ("gpt2", "qwen2")
BLOCKS = st.text(alphabet=st.sampled_from([*"ab 1.?!\"'", *"é字。👩‍🚀"]), min_size=1, max_size=60)
CHAPTERS = st.lists(st.lists(BLOCKS, max_size=6), max_size=5)


@pytest.fixture(scope="module", params=STYLES)
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    folder = build_tokenizer(tmp_path_factory.mktemp("tokenizer"), style=request.param)
    return Tokenizer.from_folder(folder)


def paragraphs(count: int, *, words: int = 12) -> list[str]:
    return [" ".join([f"word{index}"] * words) + "." for index in range(count)]


def check(plan: SegmentPlan, book: Book, tokenizer: Tokenizer) -> None:
    assert [segment.index for segment in plan.segments] == list(range(len(plan.segments)))
    assert all(1 <= segment.num_tokens <= plan.segment_length for segment in plan.segments)
    labels = [segment.chapter_label for segment in plan.segments]
    order = [chapter.label for chapter in book.chapters]
    assert labels == sorted(labels, key=order.index)
    for chapter in book.chapters:
        segments = plan.chapter_segments(chapter.label)
        text = chapter.text if chapter.kept else ""
        assert [id for segment in segments for id in segment.ids.tolist()] == tokenizer.encode(text)
        if segments:
            assert segments[0].start == chapter.blocks[0].start
            assert segments[-1].end == chapter.blocks[-1].end
            assert [s.ends_chapter for s in segments] == [False] * (len(segments) - 1) + [True]
        for one, next_one in pairwise(segments):
            assert one.end == next_one.start
        spans = {block.id: block for block in chapter.blocks}
        for segment in segments:
            assert spans[segment.first_block].start <= segment.start
            assert segment.end <= spans[segment.last_block].end + 2


@given(chapters=CHAPTERS, length=st.integers(1, 40), skip=st.sets(st.integers(1, 5)))
def test_nothing_is_dropped_and_order_and_bounds_are_kept(
    tokenizer: Tokenizer, chapters: list[list[str]], length: int, skip: set[int]
) -> None:
    book = build_book(chapters, skip=tuple(skip))
    plan = plan_segments(book, tokenizer, length)
    check(plan, book, tokenizer)
    coverage = plan.coverage()
    assert coverage.dropped == 0
    assert coverage.tokens_read == sum(len(tokenizer.encode(c.text)) for c in book.kept_chapters)
    assert coverage.num_segments == len(plan.segments)


def test_a_chapter_that_fits_is_one_segment_and_small_ones_are_not_merged(
    tokenizer: Tokenizer,
) -> None:
    book = build_book([["# One", "a"], ["# Two", "b"], paragraphs(3)])
    longest = len(tokenizer.encode(book.chapters[2].text))
    plan = plan_segments(book, tokenizer, longest)
    assert [segment.chapter_label for segment in plan.segments] == ["1", "2", "3"]
    assert plan.segments[2].num_tokens == longest
    assert plan.num_chapters == 3


def test_cuts_prefer_the_ends_of_blocks_and_are_nearly_equal(tokenizer: Tokenizer) -> None:
    book = build_book([["# Title", *paragraphs(60)]])
    num_tokens = len(tokenizer.encode(book.text))
    plan = plan_segments(book, tokenizer, num_tokens // 4)
    starts = {block.start for block in book.chapters[0].blocks}
    assert all(segment.start in starts for segment in plan.segments)
    lengths = [segment.num_tokens for segment in plan.segments]
    assert len(lengths) == 5
    assert max(lengths) - min(lengths) < num_tokens // 10


def test_cuts_inside_a_long_block_prefer_the_ends_of_sentences(tokenizer: Tokenizer) -> None:
    book = build_book([[" ".join(paragraphs(60))]])
    plan = plan_segments(book, tokenizer, len(tokenizer.encode(book.text)) // 4)
    assert len(plan.segments) == 5
    assert all(book.text[: segment.end].rstrip().endswith(".") for segment in plan.segments)


def test_cuts_inside_a_long_sentence_prefer_the_ends_of_words(tokenizer: Tokenizer) -> None:
    book = build_book([["keeper " * 300]])
    plan = plan_segments(book, tokenizer, 50)
    for segment in plan.segments:
        assert set(book.text[segment.start : segment.end].split()) == {"keeper"}


def test_a_heading_stays_with_what_follows(tokenizer: Tokenizer) -> None:
    chapter = [text for part in range(20) for text in (f"# Part {part}", paragraphs(1)[0])]
    book = build_book([chapter])
    headings = {block.id for block in book.chapters[0].blocks if block.level}
    plan = plan_segments(book, tokenizer, len(tokenizer.encode(book.text)) // 4)
    assert headings.isdisjoint(segment.last_block for segment in plan.segments)


def test_segment_text_is_the_text_of_its_tokens(tokenizer: Tokenizer) -> None:
    book = build_book([["# Title", *paragraphs(40)], [" ".join(paragraphs(40))]])
    for segment in plan_segments(book, tokenizer, 64).segments:
        assert tokenizer.decode(segment.ids.tolist()) == book.text[segment.start : segment.end]


def test_the_hash_names_ids_and_boundaries(tokenizer: Tokenizer, tmp_path: Path) -> None:
    chapters = [paragraphs(5), paragraphs(6), paragraphs(7)]
    plan = plan_segments(build_book(chapters), tokenizer, 64)
    assert plan.sha256 == plan_segments(build_book(chapters), tokenizer, 64).sha256
    others = [
        plan_segments(build_book(chapters), tokenizer, 63),
        plan_segments(build_book([*chapters[:2], paragraphs(8)]), tokenizer, 64),
        plan_segments(build_book(chapters, skip=[2]), tokenizer, 64),
    ]
    assert len({plan.sha256, *(other.sha256 for other in others)}) == 4
    first_two = plan_segments(build_book(chapters, skip=[3]), tokenizer, 64)
    assert plan.prefix_sha256(len(first_two.segments)) == first_two.sha256


def test_a_partial_reading_is_no_full_coverage(tokenizer: Tokenizer) -> None:
    plan = plan_segments(build_book([paragraphs(10)]), tokenizer, 32)
    coverage = plan.coverage(plan.segments[0].num_tokens)
    assert coverage.dropped == plan.num_tokens - plan.segments[0].num_tokens > 0
    assert coverage.words_read < coverage.num_words
    assert coverage.to_dict()["dropped"] == coverage.dropped


def test_ids_are_compact_and_read_only(tokenizer: Tokenizer) -> None:
    segment = plan_segments(build_book([paragraphs(3)]), tokenizer, 1_000).segments[0]
    assert segment.ids.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        segment.ids[0] = 0


def test_no_segment_length_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        plan_segments(build_book([]), tokenizer, 0)
