"""CHANGELOG.md keeps its form, and its newest version is the project's."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from importlib.metadata import version

from tests.project.imports import ROOT

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known limits"}


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def project_version() -> str:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(pyproject["project"]["version"])


def test_newest_version_is_the_project_s() -> None:
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog(), re.MULTILINE)
    assert released[0] == project_version() == version("infini-cli")
    as_numbers = [tuple(map(int, name.split("."))) for name in released]
    assert as_numbers == sorted(set(as_numbers), reverse=True)


def test_headings_keep_the_form() -> None:
    headings = re.findall(r"^## (.*)$", changelog(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        match = re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d{2}-\d{2})", heading)
        assert match, heading
        date.fromisoformat(match[1])


def test_changes_are_of_known_kinds() -> None:
    assert set(re.findall(r"^### (.*)$", changelog(), re.MULTILINE)) <= KINDS
