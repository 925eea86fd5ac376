"""A small tokenizer and the ends of its sentences, for tests that import them."""

from __future__ import annotations

import pytest

from infini_cli.tokens.sentence_ends import SentenceEnds
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.build import build_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Give a tokenizer of bytes and a few merges."""
    return Tokenizer.from_folder(build_tokenizer(tmp_path_factory.mktemp("tokenizer")))


@pytest.fixture(scope="module")
def ends(tokenizer: Tokenizer) -> SentenceEnds:
    """Give where its sentences end."""
    return SentenceEnds(tokenizer)
