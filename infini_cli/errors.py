"""The errors a user can meet, each with its exit code and a hint.

InfiniError                      1   a bug, or nothing more precise
+-- UsageError                   2   the command line asks for something impossible
+-- InputError                   3   the input cannot be read
|   +-- InputNotFound                no such file, or not a regular file
|   +-- UnsupportedFormat            not a format that infini reads
|   +-- ProtectedInput               digital rights management
|   +-- EncryptedInput               a password is needed, or the one given is wrong
|   +-- NoTextInput                  a scan or pictures without text
|   +-- DamagedInput                 the file is broken
|   `-- InputTooLarge                a resource bound was hit
+-- ModelError                   4   the model cannot be used
|   +-- ModelNotFound                no model of that name here
|   +-- ModelIncompatible            the weights do not fit the architecture
|   `-- MemoryMismatch               a book memory made by another model or settings
+-- BatchFailures                5   a batch finished, some of its books failed
`-- Interrupted                130   stopped by the user; what was computed is saved

Messages follow one style: lower-case start, no full stop, names and paths in
backticks; the hint says what to do next.
"""

from __future__ import annotations

from typing import Any


class InfiniError(Exception):
    """An error with an exit code and a hint.

    Args:
        message: what went wrong, one line.
        hint: what the user can do about it, one line; by default what helps in most cases of
            its class.
    """

    exit_code = 1
    usual_hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint if hint is not None else self.usual_hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it cross from one process to another."""
        return _rebuild, (type(self), self.message, self.hint)


class UsageError(InfiniError):
    """The command line asks for something impossible."""

    exit_code = 2
    usual_hint = "add `--help` to see what the command takes"


class InputError(InfiniError):
    """The input cannot be read."""

    exit_code = 3
    usual_hint = "check the file, or give another copy of it"


class InputNotFound(InputError):
    """There is no such file, or it is not a regular file."""

    usual_hint = "check the path and whether you may read it"


class UnsupportedFormat(InputError):
    """The file is of no format that infini reads."""


class ProtectedInput(InputError):
    """The book is locked by digital rights management."""


class EncryptedInput(InputError):
    """The file needs a password, or the one given is wrong."""


class NoTextInput(InputError):
    """The file holds pictures or nothing, and no text."""

    usual_hint = "give a file that holds text"


class DamagedInput(InputError):
    """The file is broken beyond what infini repairs."""


class InputTooLarge(InputError):
    """A bound on size, nesting or time was hit."""


class ModelError(InfiniError):
    """The model cannot be used."""

    exit_code = 4
    usual_hint = "check the disk, and whether you may read and write there"


class ModelNotFound(ModelError):
    """No model of that name is on this machine."""

    usual_hint = "check the path; `infini models list` shows the models that infini knows"


class ModelIncompatible(ModelError):
    """The weights or the configuration do not fit."""

    usual_hint = "fetch the model again; `infini models list` shows models that work"


class MemoryMismatch(ModelError):
    """A book memory was made by another model or with other settings."""


class BatchFailures(InfiniError):
    """A batch finished and some of its books failed."""

    exit_code = 5


class Interrupted(InfiniError):
    """The user stopped the run; what was computed is saved."""

    exit_code = 130


def damaged(name: str, what: str) -> DamagedInput:
    """Say what is broken in a book's file."""
    return DamagedInput(f"`{name}` is damaged: {what}", hint="get another copy of the file")


def _rebuild(kind: type[InfiniError], message: str, hint: str | None) -> InfiniError:
    return kind(message, hint=hint)
