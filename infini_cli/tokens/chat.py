"""Chat templates: a conversation as token ids, its contents as data.

A template is rendered with placeholders where the contents go. Only what the
template itself wrote is encoded with markers; contents are encoded without,
so no book and no question can start or end a turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from infini_cli.errors import ModelIncompatible
from infini_cli.tokens.tokenizer import Tokenizer, marker_text, read_json

Role = Literal["system", "user", "assistant"]

PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n\n{% endfor %}"
"""For models that never learnt to chat: the contents, a blank line after each."""

_DATE = date(2026, 1, 1)
"""What templates are told is today: the same prompt gives the same tokens on every day."""

# Private-use characters: no template's own text holds them, no filter changes them.
_PLACEHOLDER = re.compile("\ue0f0([0-9]+)\ue0f1")


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation.

    Attributes:
        role: who speaks.
        content: what is said; data, never markup.
    """

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class SplitTurn:
    """The ids around one content, so that a long text can be streamed between them.

    Attributes:
        before: ids of everything before the content.
        after: ids of everything after it.
    """

    before: list[int]
    after: list[int]


class ChatTemplate:
    """How a model wants a conversation written.

    Args:
        source: the Jinja template; it runs sandboxed.
        tokenizer: of the same model.

    Raises:
        ModelIncompatible: the template is not valid Jinja.
    """

    def __init__(self, source: str, tokenizer: Tokenizer) -> None:
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = _DATE.strftime
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise ModelIncompatible(f"cannot read the chat template: {error}") from error
        self._tokenizer = tokenizer
        self.source = source

    @classmethod
    def from_folder(
        cls, folder: Path, tokenizer: Tokenizer, *, allow_plain: bool = False
    ) -> ChatTemplate:
        """Load `chat_template.jinja`, else the template in `tokenizer_config.json`.

        Args:
            folder: of the model.
            tokenizer: of the same model.
            allow_plain: write conversations plainly if the model has no template.

        Raises:
            ModelIncompatible: there is no template, or it cannot be read.
        """
        try:
            source: str | None = (folder / "chat_template.jinja").read_text(encoding="utf-8")
        except FileNotFoundError:
            source = _configured_template(folder)
        except (OSError, UnicodeDecodeError) as error:
            raise ModelIncompatible(f"cannot read the chat template: {error}") from error
        if source is None and allow_plain:
            source = PLAIN_TEMPLATE
        if source is None:
            raise ModelIncompatible(
                f"no chat template in `{folder}`",
                hint="take a model that was trained to follow instructions (often named Instruct)",
            )
        return cls(source, tokenizer)

    @property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end an answer: those of the tokenizer, and the marker after a turn."""
        return self._tokenizer.eos_ids | self._end_of_turn

    @property
    def end_of_turn(self) -> int:
        """The token that ends an answer, as one who answers would write it.

        Raises:
            ModelIncompatible: there is none.
        """
        found = sorted(self._end_of_turn or self._tokenizer.eos_ids)
        if not found:
            raise ModelIncompatible("the model has no token that ends an answer")
        return found[0]

    @property
    def _end_of_turn(self) -> frozenset[int]:
        end = self.split([Message("user", ""), Message("assistant", "")], 1, reply=False).after
        return frozenset(end[:1]) & self._tokenizer.marker_ids

    def encode(self, messages: Sequence[Message], *, reply: bool = True) -> list[int]:
        """Encode a conversation.

        Args:
            messages: the turns so far.
            reply: end with what begins the model's turn.

        Raises:
            ModelIncompatible: the template refuses the conversation, or leaves out a content.
        """
        parts = self._render(messages, reply=reply)
        ids: list[int] = []
        for part in parts:
            if isinstance(part, int):
                ids.extend(self._tokenizer.encode(messages[part].content))
            else:
                ids.extend(self._tokenizer.encode_template(part))
        return ids

    def split(self, messages: Sequence[Message], index: int, *, reply: bool = True) -> SplitTurn:
        """Encode a conversation around the content of one message, which is ignored.

        Args:
            messages: the turns; the content of `messages[index]` is streamed by the caller.
            index: of that message.
            reply: end with what begins the model's turn.

        Raises:
            ModelIncompatible: the template refuses the conversation, or leaves out a content.
        """
        parts = self._render(messages, reply=reply)
        place = parts.index(range(len(messages))[index])
        sides: list[list[int]] = []
        for side in (parts[:place], parts[place + 1 :]):
            ids: list[int] = []
            for part in side:
                if isinstance(part, int):
                    ids.extend(self._tokenizer.encode(messages[part].content))
                else:
                    ids.extend(self._tokenizer.encode_template(part))
            sides.append(ids)
        return SplitTurn(*sides)

    def _render(self, messages: Sequence[Message], *, reply: bool) -> list[str | int]:
        """Render, and give the template's own text and, where contents go, their indices."""
        turns: list[dict[str, Any]] = [
            {"role": message.role, "content": f"\ue0f0{index}\ue0f1"}
            for index, message in enumerate(messages)
        ]
        try:
            rendered = self._template.render(
                messages=turns,
                add_generation_prompt=reply,
                bos_token=self._tokenizer.bos_token or "",
                eos_token=self._tokenizer.eos_token or "",
            )
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ModelIncompatible(f"the chat template fails: {error}") from error
        pieces = _PLACEHOLDER.split(rendered)
        parts: list[str | int] = [
            int(piece) if place % 2 else piece for place, piece in enumerate(pieces)
        ]
        found = [part for part in parts if isinstance(part, int)]
        if found != list(range(len(messages))):
            raise ModelIncompatible(
                "the chat template leaves out, repeats or reorders what is said",
                hint="take another model, or one with a plainer template",
            )
        return [part for part in parts if part != ""]


def _configured_template(folder: Path) -> str | None:
    """Give the template of `tokenizer_config.json`: a string, or a list of named ones."""
    value = read_json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(value, list):
        named = {marker_text(item.get("name")): item for item in value if isinstance(item, dict)}
        value = named.get("default", {}).get("template")
    return value if isinstance(value, str) and value else None


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
