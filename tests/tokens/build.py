"""Small things for tests: a trained byte-level tokenizer in a folder, books from plain lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from infini_cli.reading.book import (
    BLOCK_SEPARATOR,
    CHAPTER_SEPARATOR,
    Block,
    BlockKind,
    Book,
    Chapter,
)

Style = Literal["gpt2", "qwen2"]

MARKERS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}"
    "{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_TRAINING_TEXT = (
    "The keeper of the light wrote in her book every evening, every evening the sea wrote back.",
    '"Where is the key?" he said. "It was here, in the box, when the lamp went."\n\nNobody spoke.',
    "In the spring of 1871 the two sisters left the island; the boat, the dog, the clock stayed.",
    "user system assistant you are helpful what is the name of the ship?\n\n* * *\n\nCHAPTER ONE",
)


def build_tokenizer(folder: Path, *, style: Style = "gpt2", vocabulary: int = 400) -> Path:
    """Write `tokenizer.json`, `tokenizer_config.json` and a ChatML `chat_template.jinja`.

    Args:
        folder: where to; made if need be.
        style: how text is split before the merges, as SmolLM or as Qwen2 does.
        vocabulary: tokens in all: 256 bytes, the markers, `<tool_call>`, merges.

    Returns:
        the folder.
    """
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=style == "gpt2")
    tokenizer.pre_tokenizer = (
        byte_level
        if style == "gpt2"
        else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_QWEN2), "isolated"), byte_level])
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=list(MARKERS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TRAINING_TEXT, trainer)
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False, normalized=False)])
    # What real files carry, and what silently drops the rest of a book.
    tokenizer.enable_truncation(max_length=16)
    tokenizer.enable_padding(length=16)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": MARKERS[0], "eos_token": {"content": MARKERS[2]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHATML, encoding="utf-8")
    return folder


def build_book(
    chapters: Sequence[Sequence[str]], *, skip: Sequence[int] = (), title: str = "A Book"
) -> Book:
    """Make a book: a list of chapters, each a list of blocks; a first block `# x` is a heading.

    Args:
        chapters: the text of the blocks.
        skip: numbers of the chapters that are left out.
        title: of the book.
    """
    made: list[Chapter] = []
    offset = 0
    for number, texts in enumerate(chapters, start=1):
        blocks: list[Block] = []
        for index, raw in enumerate(texts, start=1):
            heading = raw.startswith("# ")
            text = raw.removeprefix("# ")
            kind = BlockKind.HEADING if heading else BlockKind.PARAGRAPH
            blocks.append(
                Block(f"c{number:02d}.b{index:04d}", kind, text, offset, None, int(heading))
            )
            offset += len(text) + len(BLOCK_SEPARATOR)
        offset += len(CHAPTER_SEPARATOR) - (len(BLOCK_SEPARATOR) if blocks else 0)
        reason = "left out" if number in skip else None
        name = f"Chapter {number}"
        made.append(Chapter(str(number), name, "toc", tuple(blocks), skip_reason=reason))
    return Book(title, ("Ann Author",), "en", tuple(made), "text", "0" * 64)
