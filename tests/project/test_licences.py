"""docs/licences.md names every runtime dependency with the licence it declares."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.imports import ROOT

# What older metadata says, as SPDX expressions. A bare "BSD" was looked up in the licence's text.
CLASSIFIERS = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
}
# What the metadata leaves open or states wrongly, by the licence's text where there is one.
LOOKED_UP = {"cobble": "BSD (its metadata does not say which)", "mammoth": "BSD-2-Clause"}

# torch's libraries for a graphics card come and go with its build, which pins them itself.
GPU_PREFIXES = ("nvidia-", "cuda-", "triton")


def table_rows() -> dict[str, str]:
    """Give the licence that the page states, by package."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    page = page[page.index("## Dependencies") :]
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a package is listed twice"
    return dict(rows)


def constraints() -> dict[str, str]:
    """Give the pinned versions, by package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {name: version for name, _, version in pins}


def direct(section: str) -> list[str]:
    """Give the requirements that pyproject.toml states for a section."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if section == "runtime":
        return list(pyproject["project"]["dependencies"])
    return list(pyproject["dependency-groups"][section])


def closure(requirements: Iterable[str]) -> set[str]:
    """Follow requirements through the metadata of what is installed."""
    found: set[tuple[str, str]] = set()
    queue = [Requirement(text) for text in requirements]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {known for seen, known in found if seen == name}:
            found.add((name, extra))
            for need in map(Requirement, distribution(name).requires or []):
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    queue.append(need)
    return {name for name, _ in found if not name.startswith(GPU_PREFIXES)}


def declared_licence(package: str) -> str:
    """Give the SPDX expression of an installed package, from its metadata."""
    if package in LOOKED_UP:
        return LOOKED_UP[package]
    metadata = distribution(package).metadata
    expression = metadata["License-Expression"]
    if expression:
        return str(expression)
    prefix = "License :: OSI Approved :: "
    named = [
        CLASSIFIERS[line.removeprefix(prefix)]
        for line in metadata.get_all("Classifier") or []
        if line.startswith(prefix)
    ]
    # Some state an SPDX expression in the old field only.
    return " AND ".join(named) if named else str(metadata["License"])


def test_every_runtime_dependency_is_pinned_and_listed() -> None:
    needed = closure(direct("runtime"))
    assert needed <= constraints().keys()
    assert needed == table_rows().keys()


def test_every_development_tool_is_pinned() -> None:
    assert closure(direct("dev")) <= constraints().keys()


@pytest.mark.parametrize(("package", "licence"), sorted(table_rows().items()))
def test_licence_is_the_declared_one(package: str, licence: str) -> None:
    assert licence == declared_licence(package)


def test_direct_dependencies_have_a_reason() -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    section = page[page.index("### Direct") : page.index("### Indirect")]
    named = set(re.findall(r"^\| ([a-z0-9-]+) \|", section, re.MULTILINE))
    assert named == {canonicalize_name(Requirement(text).name) for text in direct("runtime")}


def test_constraints_are_sorted_and_exact() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for part in re.split(r"# (?:Figures|ROUGE|Development).*", text.split("# Runtime.")[1]):
        names = [line.split("==")[0] for line in part.splitlines() if "==" in line]
        assert names
        assert names == sorted(names)
    assert constraints()["torch"] == "2.13.0"


def test_own_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
