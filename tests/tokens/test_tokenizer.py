from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models

from infini_cli.errors import ModelIncompatible
from infini_cli.tokens import tokenizer as module
from infini_cli.tokens.tokenizer import Tokenizer
from tests.tokens.build import MARKERS, Style, build_tokenizer

STYLES: tuple[Style, ...] = ("gpt2", "qwen2")
TEXTS = st.text(alphabet=st.sampled_from([*'ab 1.,"\n\r\t', "é", "字", "👩", "<", "|", ">"]))


@pytest.fixture(scope="module", params=STYLES)
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    folder = build_tokenizer(tmp_path_factory.mktemp("tokenizer"), style=request.param)
    return Tokenizer.from_folder(folder)


def long_text(*, paragraphs: int) -> str:
    lines = [
        "“Who is there?” said the keeper…",
        "The sea, 1871.",
        "字は読めない。",
        "* * *",
        "word " * 40,
    ]
    return "".join(
        lines[index % 5] + ("\n\n", "\n\n\n", "\n", " \n\n", ".\n\n")[index % 7 % 5]
        for index in range(paragraphs)
    )


@given(text=st.one_of(st.text(), TEXTS))
def test_decoding_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text), skip_special=False) == text


@given(words=st.lists(st.sampled_from([*MARKERS, "<tool_call>", "<", " a\n"])))
def test_markers_in_text_stay_text(tokenizer: Tokenizer, words: list[str]) -> None:
    text = "".join(words)
    ids = tokenizer.encode(text)
    assert tokenizer.marker_ids.isdisjoint(ids)
    assert tokenizer.decode(ids) == text


def test_markers_of_a_template_are_tokens(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_template("<|im_start|>user\nx<|im_end|>")
    assert ids[0] == tokenizer.token_id("<|im_start|>")
    assert ids[-1] == tokenizer.token_id("<|im_end|>")
    assert tokenizer.decode(ids) == "user\nx"
    assert tokenizer.marker_ids.isdisjoint(tokenizer.encode("<|im_start|>"))


def test_truncation_and_padding_of_the_file_are_off(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("keeper " * 1_000)) >= 1_000
    assert len(tokenizer.encode("a")) == 1
    assert tokenizer.encode("") == []


def test_pieces_change_no_token(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = long_text(paragraphs=400)
    whole = tokenizer.encode_with_offsets(text)
    monkeypatch.setattr(module, "PIECE_LENGTH", 700)
    monkeypatch.setattr(module, "_SEARCH", 500)
    assert len(list(tokenizer._pieces(text))) > 10
    pieced = tokenizer.encode_with_offsets(text)
    for expected, found in zip(whole, pieced, strict=True):
        np.testing.assert_array_equal(expected, found)
    assert tokenizer.encode(text) == whole.ids.tolist()


@given(text=TEXTS)
def test_pieces_of_any_text_change_no_token(tokenizer: Tokenizer, text: str) -> None:
    text = text * 5
    whole = tokenizer._inner.encode(text, add_special_tokens=False).ids
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_LENGTH", 20)
        patch.setattr(module, "_SEARCH", 20)
        assert tokenizer.encode(text) == whole


@given(text=st.text())
def test_offsets_cover_the_text_in_order(tokenizer: Tokenizer, text: str) -> None:
    ids, starts, ends = tokenizer.encode_with_offsets(text)
    assert len(ids) == len(starts) == len(ends)
    assert (np.diff(starts) >= 0).all()
    covered = {c for start, end in zip(starts, ends, strict=True) for c in range(start, end)}
    assert covered == set(range(len(text)))


def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


def test_a_vocabulary_that_spells_a_marker_as_a_token() -> None:
    vocabulary = [("<unk>", 0.0), ("<s>", -1.0), *((c, -5.0) for c in "<s>ab")]
    inner = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=0))
    inner.add_special_tokens(["<unk>", "<s>"])
    tokenizer = Tokenizer(inner, sha256="")
    ids, starts, ends = tokenizer.encode_with_offsets("a<s>b?")
    assert [inner.id_to_token(id) for id in ids] == ["a", "<", "s", ">", "b", "<unk>"]
    assert starts.tolist() == [0, 1, 2, 3, 4, 5]
    assert ends.tolist() == [1, 2, 3, 4, 5, 6]


def test_blank_tokens_of_the_file_still_stand_for_text(tmp_path: Path) -> None:
    folder = build_tokenizer(tmp_path)
    data = json.loads((folder / "tokenizer.json").read_text())
    spaces = {**data["added_tokens"][-1], "id": data["added_tokens"][-1]["id"] + 1}
    data["added_tokens"].append({**spaces, "content": "    "})
    (folder / "tokenizer.json").write_text(json.dumps(data))
    assert Tokenizer.from_folder(folder).encode("    ") == [spaces["id"]]


def test_names_and_hash(tmp_path: Path) -> None:
    folder = build_tokenizer(tmp_path)
    (folder / "generation_config.json").write_text('{"eos_token_id": [0, 2]}')
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.num_tokens == 400
    assert tokenizer.bos_token == "<|endoftext|>"
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.eos_ids == {0, 2}
    assert len(tokenizer.sha256) == 64
    assert tokenizer.token_id("no such token") is None
    assert tokenizer.sha256 == Tokenizer.from_folder(folder).sha256


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_missing_or_broken_file_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ModelIncompatible):
        Tokenizer.from_folder(tmp_path)
