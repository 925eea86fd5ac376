"""Indented lines on standard error."""

from __future__ import annotations

import pytest

from infini_cli.ui.messages import write_outline


def test_indentation_stays_and_control_characters_go(capsys: pytest.CaptureFixture[str]) -> None:
    write_outline("a\n  \x1b[31mb\x07\n    c\u202e d\n")
    assert capsys.readouterr().err == "a\n  b\n    c d\n\n"
