"""Ask before something is lost."""

from __future__ import annotations

import sys

import typer

from infini_cli.errors import Interrupted, UsageError
from infini_cli.text_safety import clean_line
from infini_cli.ui.color import is_terminal


def confirm(question: str, yes: bool) -> None:
    """Ask a person; return if the answer is yes.

    Args:
        question: what is about to happen.
        yes: whether `--yes` has answered already.

    Raises:
        UsageError: there is nobody to ask.
        Interrupted: the answer is no.
    """
    if yes:
        return
    if not is_terminal(sys.stdin):
        raise UsageError("nobody is there to confirm", hint="give `--yes`")
    if not typer.confirm(clean_line(question), err=True):
        raise Interrupted("nothing was removed")
