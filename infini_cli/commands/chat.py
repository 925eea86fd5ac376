"""`infini chat`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from infini_cli.commands import engine
from infini_cli.commands.documents import to_json_line
from infini_cli.commands.inputs import STDIN, open_book, refuse_choice
from infini_cli.commands.options import (
    BookPath,
    Json,
    MemoryOptions,
    ModelOptions,
    ReadingOptions,
    WritingOptions,
)
from infini_cli.commands.results import write_text
from infini_cli.commands.verb import verb
from infini_cli.errors import InfiniError, UsageError
from infini_cli.ui.lines import LineReader
from infini_cli.ui.output import check_destination
from infini_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from infini_cli.tasks.chat import Chat

HELP = """\
A line is a question. These are commands:
  /sources: what the last answer rests on, in the book's own words
  /chapter N: answer from chapter N alone, numbered as `infini toc` shows
  /chapter all: answer from the whole book again
  /save FILE: keep the conversation, as JSON if FILE ends in .json, else as Markdown
  /help: this list
  /quit: leave; so does the end of the input"""
LIFTED = "all"


@verb
def command(
    terminal: Terminal,
    reading: ReadingOptions,
    model: ModelOptions,
    writing: WritingOptions,
    memories: MemoryOptions,
    book: BookPath = None,
    json: Json = False,
) -> None:
    """Talk about a book: questions that lean on those before them.

    Questions come from standard input, one a line. `/help` lists the commands.
    """
    path = _path(book, memories.memory)
    refuse_choice(reading, memories.memory)
    with terminal.progress() as progress:
        found = open_book(path, reading, terminal) if path is not None else None
        chat = engine.begin_chat(
            found,
            engine.memory_request(memories),
            engine.sampling_request(writing),
            engine.open_model(model, progress),
            progress,
        )
    inputs = [item for item in (book, memories.memory) if item is not None]
    Talk(terminal, chat, inputs, json=json).run(LineReader(has_prompt=not json))


def _path(book: Path | None, memory: Path | None) -> Path | None:
    """Give the book's path, None where a memory takes its place.

    Raises:
        UsageError: there is neither, or both, or standard input would be book and questions.
    """
    if memory is not None:
        if book is not None:
            raise UsageError(
                "give a book or `--memory`, not both", hint="the memory holds its book"
            )
        return None
    if book is None or book == STDIN:
        raise UsageError(
            "a conversation takes no book from standard input: the questions come from there",
            hint="name the book's file",
        )
    return book


class Talk:
    """A conversation at the terminal, or over a pipe.

    Args:
        terminal: where answers and messages go.
        chat: the conversation before its first question.
        inputs: files that must not be overwritten.
        json: whether each answer is an object on a line.
    """

    def __init__(self, terminal: Terminal, chat: Chat, inputs: list[Path], *, json: bool) -> None:
        self._terminal, self._inputs, self._json = terminal, inputs, json
        self.chat = chat
        self._commands: dict[str, Callable[[str], None]] = {
            "/sources": self._tell_sources,
            "/chapter": self._limit,
            "/save": self._save,
            "/help": self._help,
        }

    def run(self, lines: LineReader) -> None:
        """Take line after line until there is none, or until `/quit`.

        What is wrong with a line is told and the next one taken.
        """
        from infini_cli.tasks.render_chat import render_opening

        self._terminal.note(render_opening(self.chat))
        if lines.is_typed:
            self._terminal.note("`/help` lists the commands, `/quit` leaves")
        while (line := lines.read()) is not None:
            text = line.strip()
            if text.partition(" ")[0] == "/quit":
                return
            try:
                self._take(text, lines.is_typed)
            except UsageError as error:
                self._terminal.error(error.message, error.hint)

    def _take(self, text: str, is_typed: bool) -> None:
        if text.startswith("/"):
            name, _, rest = text.partition(" ")
            if name not in self._commands:
                raise UsageError(f"there is no command `{name}`", hint="`/help` lists them")
            self._commands[name](rest.strip())
        elif text:
            try:
                self._answer(text)
            except KeyboardInterrupt as error:
                # A stop from outside is of another class, and ends the program. Over a pipe
                # nobody waits for the next prompt.
                if not is_typed or type(error) is not KeyboardInterrupt:
                    raise
                self._terminal.note("given up; the conversation goes on without that question")

    def _answer(self, question: str) -> None:
        from infini_cli.tasks.render_chat import render_reply, turn_document

        chat = self.chat

        def ask(write: engine.WriteText = None) -> str:
            nonlocal chat
            chat = engine.reply(self.chat, question, progress, write)
            turn = chat.turns[-1]
            return to_json_line(turn_document(turn)) if self._json else render_reply(turn.answer)

        with self._terminal.progress() as progress:
            if self._json:
                self._terminal.write(ask())
            else:
                write_text(self._terminal, ask)
        self.chat = chat

    def _tell_sources(self, rest: str) -> None:
        from infini_cli.tasks.render_chat import render_sources, sources_document

        if self.chat.last is None:
            raise UsageError("there is no answer yet", hint="ask something first")
        if self._json:
            self._terminal.write(to_json_line(sources_document(self.chat.last)))
        else:
            self._terminal.write(render_sources(self.chat.last))

    def _limit(self, rest: str) -> None:
        from infini_cli.tasks.chat import find_chapter, limit

        if rest:
            self.chat = limit(self.chat, None if rest.lower() == LIFTED else rest)
        if self.chat.chapter is None:
            self._terminal.note("answers come from the whole book")
        else:
            title = find_chapter(self.chat.book, self.chat.chapter).title
            self._terminal.note(f"answers come from chapter {self.chat.chapter} alone: {title}")

    def _save(self, rest: str) -> None:
        from infini_cli.tasks.render_chat import render_conversation

        name = rest[1:-1] if len(rest) > 1 and rest[0] == rest[-1] in "\"'" else rest
        if not name:
            raise UsageError("no file given", hint="/save talk.md")
        path = _expanded(name)
        form = "json" if path.suffix.lower() == ".json" else "md"
        text = render_conversation(self.chat, form)
        try:
            check_destination(path, self._inputs)
            self._terminal.write(text, path)
        except InfiniError as error:
            raise UsageError(error.message, hint="name another file") from error
        self._terminal.note(f"wrote `{path}`")

    def _help(self, rest: str) -> None:
        self._terminal.outline(HELP)


def _expanded(name: str) -> Path:
    """Follow `~` as a shell would have."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"`{name}` names no folder", hint="give a whole path") from error
