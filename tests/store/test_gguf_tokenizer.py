from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infini_models.errors import CheckpointError, ConfigError

from infini_cli.store.gguf_tokenizer import read_vocabulary
from tests.store.tiny_gguf import CONTROL, MERGES, tokens


def byte_level(split: str = "smollm", **changes: Any) -> dict[str, Any]:
    metadata = {
        "model": "gpt2",
        "pre": split,
        "tokens": tuple(tokens()),
        "token_type": np.array([3] * len(CONTROL) + [1] * (len(tokens()) - len(CONTROL))),
        "merges": tuple(MERGES),
        "bos_token_id": 1,
        "eos_token_id": 2,
        "add_bos_token": False,
        **changes,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in metadata.items()}


def sentence_piece() -> dict[str, Any]:
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [2, 3, 3] + [6] * 256
    words = {"\u2581": -9.0, "h": -9.1, "e": -9.2, "l": -9.3, "o": -9.4, "he": -3.0, "ll": -4.0}
    words |= {"hell": -2.5, "hello": -2.0, "\u2581hello": -1.0}
    metadata = {
        "model": "llama",
        "tokens": (*pieces, *words),
        "token_type": np.array(kinds + [1] * len(words)),
        "scores": np.array([0.0] * len(pieces) + list(words.values()), np.float32),
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in metadata.items()}


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    tokenizer = read_vocabulary(byte_level()).tokenizer()
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize(
    ("split", "text", "words"),
    [
        ("smollm", "in 1984", ["i", "n", "\u0120", "1", "9", "8", "4"]),
        ("qwen2", "a\n\n\nb", ["a", "\u010a", "\u010a", "\u010a", "b"]),
        ("llama-bpe", "hello", ["hello"]),
        ("gpt-2", "hello hello", ["hello", "\u0120", "hello"]),
    ],
)
def test_splits(split: str, text: str, words: list[str]) -> None:
    tokenizer = read_vocabulary(byte_level(split)).tokenizer()
    assert tokenizer.encode(text).tokens == words


def test_words_are_split_as_the_family_does() -> None:
    def words(split: str, text: str) -> list[str]:
        splitter = read_vocabulary(byte_level(split)).tokenizer().pre_tokenizer
        assert splitter is not None
        return [word.replace("\u0120", " ") for word, _ in splitter.pre_tokenize_str(text)]

    assert words("smollm", "x12 don't") == ["x", "1", "2", " don", "'t"]
    assert words("qwen2", "x12 don't DON'T") == ["x", "1", "2", " don", "'t", " DON", "'T"]
    assert words("llama-bpe", "12345") == ["123", "45"]
    assert words("qwen2", "a  b") == ["a", " ", " b"]


def test_control_tokens_are_single_and_special() -> None:
    tokenizer = read_vocabulary(byte_level()).tokenizer()
    ids = tokenizer.encode("<|im_start|>hello<|im_end|>").ids
    assert [ids[0], ids[-1]] == [1, 2]
    assert tokenizer.decode(ids) == "hello"
    assert tokenizer.truncation is None
    assert tokenizer.padding is None


def test_ids_and_settings() -> None:
    vocabulary = read_vocabulary(byte_level())
    assert vocabulary.ids() == {"eos_token_id": [2, 0], "bos_token_id": 1}
    assert vocabulary.tokenizer_config()["eos_token"] == "<|im_end|>"
    assert vocabulary.tokenizer_config()["add_bos_token"] is False


def test_sentence_piece_joins_by_score_and_falls_back_to_bytes() -> None:
    tokenizer = read_vocabulary(sentence_piece()).tokenizer()
    assert tokenizer.encode("hello", add_special_tokens=False).tokens == ["\u2581hello"]
    ids = tokenizer.encode("hello \u4e2d", add_special_tokens=False).ids
    assert tokenizer.decode(ids) == "hello \u4e2d"
    assert tokenizer.encode("hello").ids[0] == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"model": "t5"}, ConfigError),
        ({"pre": "unheard-of"}, ConfigError),
        ({"tokens": ()}, CheckpointError),
        ({"tokens": ("same", "same"), "token_type": None, "merges": ()}, CheckpointError),
        ({"token_type": np.array([1])}, CheckpointError),
        ({"merges": ("h",)}, CheckpointError),
        ({"merges": ("h absent",)}, CheckpointError),
        ({"eos_token_id": 10**6}, CheckpointError),
        ({"bos_token_id": "one"}, CheckpointError),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_vocabulary(byte_level(**changes)).tokenizer()
