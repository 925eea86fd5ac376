"""The tokenizer inside a GGUF file, as a `tokenizers` pipeline.

Two kinds exist. `gpt2` is byte-level BPE: vocabulary, merges and the name of a rule that
splits text into words first. `llama` is SentencePiece BPE: a vocabulary with scores, from
which the merges follow, and bytes for what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from infini_models.errors import CheckpointError, ConfigError
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
"""Kinds of token, llama.cpp's numbers."""
_END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>")
"""Where a model may stop, besides the token that the file names."""
_SPACE = "\u2581"
"""SentencePiece writes a space as a block."""

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Contractions, words, digits, punctuation with its line end, line ends, spaces."""
_SPLITS = {"qwen2": _WORDS % "", "llama-bpe": _WORDS % "{1,3}", "llama3": _WORDS % "{1,3}"}
_GPT2_SPLITS = ("gpt-2", "gpt2", "default")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a GGUF file says of its tokens.

    Attributes:
        model: `gpt2` or `llama`.
        split: name of the rule that splits text into words, `` for `llama`.
        tokens: by id.
        kinds: of each token.
        merges: pairs joined, most urgent first (`gpt2`).
        scores: of each token (`llama`).
        special: ids by role: `bos`, `eos`, `eot`, `unknown`, `padding`.
        add_bos: whether texts start with the first token.
        add_space_prefix: whether texts start with a space (`llama`).
        chat_template: Jinja source, None where there is none.
    """

    model: str
    split: str
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    scores: tuple[float, ...]
    special: Mapping[str, int]
    add_bos: bool
    add_space_prefix: bool
    chat_template: str | None

    def tokenizer(self) -> Tokenizer:
        """Build the pipeline; it neither truncates nor pads.

        Raises:
            CheckpointError: merges that the vocabulary lacks.
            ConfigError: a rule that is not implemented.
        """
        tokenizer = self._byte_level() if self.model == "gpt2" else self._sentence_piece()
        added = [
            AddedToken(token, special=kind == _CONTROL, normalized=False)
            for token, kind in zip(self.tokens, self.kinds, strict=True)
            if kind in (_CONTROL, _USER_DEFINED) and token
        ]
        tokenizer.add_tokens(added)
        if self.add_bos and "bos" in self.special:
            token = self.tokens[self.special["bos"]]
            tokenizer.post_processor = processors.TemplateProcessing(
                single=f"{token} $A",
                pair=f"{token} $A {token}:1 $B:1",
                special_tokens=[(token, self.special["bos"])],
            )
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def ids(self) -> dict[str, Any]:
        """Give the special ids as `config.json` names them; every end token counts as `eos`."""
        ends = [self.special[role] for role in ("eos", "eot") if role in self.special]
        by_token = {token: number for number, token in enumerate(self.tokens)}
        for token in _END_TOKENS:
            if self.kinds[by_token.get(token, 0)] == _CONTROL and token in by_token:
                ends.append(by_token[token])
        ids: dict[str, Any] = {"eos_token_id": list(dict.fromkeys(ends))}
        if "bos" in self.special:
            ids["bos_token_id"] = self.special["bos"]
        if "padding" in self.special:
            ids["pad_token_id"] = self.special["padding"]
        return ids

    def tokenizer_config(self) -> dict[str, Any]:
        """Give what `tokenizer_config.json` says."""
        names = {"bos": "bos", "eos": "eos", "unknown": "unk", "padding": "pad"}
        roles = {
            f"{name}_token": self.tokens[self.special[role]]
            for role, name in names.items()
            if role in self.special
        }
        return {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": self.add_bos,
            "add_eos_token": False,
            "clean_up_tokenization_spaces": False,
            **roles,
        }

    def _byte_level(self) -> Tokenizer:
        merges = [tuple(merge.split(" ")) for merge in self.merges]
        if any(len(merge) != 2 for merge in merges):
            raise CheckpointError("a merge does not join two tokens")
        ignore_merges = self.split in ("llama-bpe", "llama3")
        tokenizer = self._bpe(merges, ignore_merges=ignore_merges)
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        if self.split == "smollm":
            digits = pre_tokenizers.Digits(individual_digits=True)
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
        elif self.split in _SPLITS:
            words = pre_tokenizers.Split(Regex(_SPLITS[self.split]), "isolated")
            as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, as_bytes])
        elif self.split in _GPT2_SPLITS:
            tokenizer.pre_tokenizer = byte_level
        else:
            raise ConfigError(f"the tokenizer's split rule {self.split!r} is not implemented")
        if self.split == "qwen2":
            tokenizer.normalizer = normalizers.NFC()
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer

    def _sentence_piece(self) -> Tokenizer:
        merges = list(_merges_from_scores(self.tokens, self.kinds, self.scores))
        tokenizer = self._bpe(merges, fuse_unk=True, byte_fallback=True)
        prefix = [normalizers.Prepend(_SPACE)] if self.add_space_prefix else []
        tokenizer.normalizer = normalizers.Sequence([*prefix, normalizers.Replace(" ", _SPACE)])
        strip = [decoders.Strip(" ", 1, 0)] if self.add_space_prefix else []
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
        )
        return tokenizer

    def _bpe(self, merges: list[Any], **options: bool) -> Tokenizer:
        unknown = self.special.get("unknown")
        vocabulary = {token: number for number, token in enumerate(self.tokens)}
        if len(vocabulary) != len(self.tokens):
            raise CheckpointError("two tokens are the same")
        try:
            model = models.BPE(
                vocabulary,
                merges,
                unk_token=None if unknown is None else self.tokens[unknown],
                **options,
            )
        # The library raises plain Exception for merges that are not in the vocabulary.
        except Exception as error:
            raise CheckpointError(f"the tokenizer's merges do not fit: {error}") from error
        return Tokenizer(model)


def read_vocabulary(metadata: Mapping[str, Any]) -> Vocabulary:
    """Read the tokenizer's part of a GGUF file's metadata.

    Raises:
        CheckpointError: lists of different lengths, ids out of range.
        ConfigError: a kind of tokenizer that is not implemented.
    """
    model = metadata.get("tokenizer.ggml.model")
    if model not in ("gpt2", "llama"):
        raise ConfigError(f"tokenizer model {model!r} is neither gpt2 nor llama")
    tokens = _strings(metadata, "tokens")
    kinds = _numbers(metadata, "token_type", len(tokens), _NORMAL)
    special = {}
    for role in ("bos", "eos", "eot", "unknown", "padding"):
        number = metadata.get(f"tokenizer.ggml.{role}_token_id")
        if number is None:
            continue
        if not isinstance(number, int) or not 0 <= number < len(tokens):
            raise CheckpointError(f"the {role} token {number!r} is not in the vocabulary")
        special[role] = number
    template = metadata.get("tokenizer.chat_template")
    return Vocabulary(
        model=model,
        split=str(metadata.get("tokenizer.ggml.pre", "default")) if model == "gpt2" else "",
        tokens=tokens,
        kinds=tuple(int(kind) for kind in kinds),
        merges=_strings(metadata, "merges") if model == "gpt2" else (),
        scores=_numbers(metadata, "scores", len(tokens), 0.0) if model == "llama" else (),
        special=special,
        add_bos=bool(metadata.get("tokenizer.ggml.add_bos_token", model == "llama")),
        add_space_prefix=bool(metadata.get("tokenizer.ggml.add_space_prefix", True)),
        chat_template=template if isinstance(template, str) else None,
    )


def _strings(metadata: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = metadata.get(f"tokenizer.ggml.{key}")
    if not isinstance(value, tuple) or (key == "tokens" and not value):
        raise CheckpointError(f"`tokenizer.ggml.{key}` is no list of strings")
    return value


def _numbers(
    metadata: Mapping[str, Any], key: str, length: int, default: float
) -> tuple[float, ...]:
    value = metadata.get(f"tokenizer.ggml.{key}")
    if value is None:
        return (default,) * length
    if not isinstance(value, np.ndarray) or len(value) != length:
        raise CheckpointError(f"`tokenizer.ggml.{key}` does not have one number a token")
    return tuple(value.tolist())


def _merges_from_scores(
    tokens: tuple[str, ...], kinds: tuple[int, ...], scores: tuple[float, ...]
) -> Iterator[tuple[str, str]]:
    """Give the pairs that make each token, best token first.

    SentencePiece joins the neighbours whose union has the best score; listing every way to
    make every token in the order of scores gives the same result with plain merges.
    """
    known = {
        token: number
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in (_NORMAL, _USER_DEFINED)
    }
    best_first = sorted(known, key=lambda token: (-scores[known[token]], known[token]))
    for token in best_first:
        ways = [
            (token[:cut], token[cut:])
            for cut in range(1, len(token))
            if token[:cut] in known and token[cut:] in known
        ]
        yield from sorted(ways, key=lambda pair: (known[pair[0]], known[pair[1]]))
