from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models

from infini_cli.tokens.decode import StreamDecoder
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.build import build_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.from_folder(build_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def stream(tokenizer: Tokenizer, ids: list[int], *, skip_special: bool = True) -> list[str]:
    decoder = StreamDecoder(tokenizer, skip_special=skip_special)
    return [*(decoder.push(id) for id in ids), decoder.flush()]


@given(text=st.text())
def test_pieces_joined_are_the_text(tokenizer: Tokenizer, text: str) -> None:
    pieces = stream(tokenizer, tokenizer.encode(text))
    assert "".join(pieces) == text


@given(ids=st.lists(st.integers(0, 399)), skip_special=st.booleans())
def test_pieces_of_any_tokens_joined_are_the_whole_decoding(
    tokenizer: Tokenizer, ids: list[int], skip_special: bool
) -> None:
    whole = tokenizer.decode(ids, skip_special=skip_special)
    assert "".join(stream(tokenizer, ids, skip_special=skip_special)) == whole


def test_a_character_comes_whole(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("👩é")
    assert len(ids) == 6
    assert stream(tokenizer, ids) == ["", "", "", "👩", "", "é", ""]


def test_half_a_character_comes_at_the_end(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a👩")[:-1]
    assert stream(tokenizer, ids) == ["a", "", "", "", "\ufffd"]


def test_words_keep_the_spaces_that_a_decoder_strips_from_a_text() -> None:
    inner = tokenizers.Tokenizer(models.WordLevel({"▁the": 0, "▁sea": 1}, unk_token="▁the"))
    inner.decoder = decoders.Metaspace()
    assert stream(Tokenizer(inner, sha256=""), [0, 1, 1]) == ["the", " sea", " sea", ""]


def test_a_marker_is_left_out(tokenizer: Tokenizer, tmp_path: Path) -> None:
    ids = tokenizer.encode_template("a<|im_end|>b")
    assert stream(tokenizer, ids) == ["a", "", "b", ""]
    assert "".join(stream(tokenizer, ids, skip_special=False)) == "a<|im_end|>b"
