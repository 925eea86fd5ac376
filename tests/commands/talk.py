"""Run infini with a stand-in for the model, which can be slow: `talk.py chat BOOK`."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

from infini_cli.__main__ import main
from infini_cli.commands import engine
from infini_cli.grounding.cited import Citation
from infini_cli.grounding.passages import Passages
from infini_cli.tasks.answerer import Answerer, View
from infini_cli.tasks.chat import Chat, Turn
from infini_cli.tasks.requests import SamplingRequest
from infini_cli.tasks.values import Answer


@dataclass(frozen=True)
class Nobody:
    name: str = "nobody"
    checkpoint: str = ""
    form: str = ""
    segment_length: int = 1
    remembers: bool = False


def begin_chat(book: Any, memory: Any, sampling: Any, model: Any, progress: Any) -> Chat:
    nobody: Any = Nobody()
    return Chat(Answerer(book, None, Passages(book), SamplingRequest(), nobody))


def reply(chat: Chat, question: str, progress: Any, write: Any = None) -> Chat:
    if question == "Be slow.":
        write("Well,")
        time.sleep(300)
    (chapter, *_) = chat.book.kept_chapters
    cited = Citation(1, chapter.label, chapter.title, chapter.blocks[0].id, None, "A.", 0, 2)
    empty: Answer = chat.answerer.result(question, View(""), "", 0.0)
    number = f"An answer{'' if not chat.turns else ', again'}."
    answer = replace(empty, answer=number, citations=(cited,))
    return replace(chat, turns=(*chat.turns, Turn(answer)))


if __name__ == "__main__":
    # A shell script's background jobs start with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    engine.open_model = lambda options, progress: None  # type: ignore[assignment,return-value]
    engine.begin_chat = begin_chat
    engine.reply = reply
    sys.exit(main(sys.argv[1:]))
