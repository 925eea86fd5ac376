"""Read the imports of the project's modules from their source, without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"infini_cli": ROOT / "infini_cli", "infini_models": ROOT / "models" / "infini_models"}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target.

    Attributes:
        target: dotted name of the module or of the object taken from it.
        line: line number in the file.
        at_import: whether it runs when the module is imported (neither inside a function nor
            under `if TYPE_CHECKING:`).
        for_types: whether it stands under `if TYPE_CHECKING:`.
    """

    target: str
    line: int
    at_import: bool
    for_types: bool


@dataclass(frozen=True, slots=True)
class Module:
    """A source file of one of the two packages."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def layer(self) -> str:
        """The package or the first folder below `infini_cli`; `base` for its plain modules."""
        package, _, rest = self.name.partition(".")
        if package != "infini_cli":
            return package
        folder = rest.split(".")[0]
        if (PACKAGES["infini_cli"] / folder).is_dir() and folder:
            return folder
        return "entry" if folder == "__main__" else "base"


@cache
def modules() -> dict[str, Module]:
    """Give every module of both packages by its dotted name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join((package, *(parts[:-1] if is_package else parts)))
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            home = name if is_package else name.rpartition(".")[0]
            found[name] = Module(name, path, tree, tuple(_imports(tree.body, home, True, False)))
    return found


def _imports(body: list[ast.stmt], home: str, at_import: bool, for_types: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_import, for_types)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parents = home.split(".")[: len(home.split(".")) - node.level + 1]
                source = ".".join([*parents, source]).rstrip(".")
            for alias in node.names:
                yield Import(f"{source}.{alias.name}", node.lineno, at_import, for_types)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _imports(node.body, home, False, True)
            yield from _imports(node.orelse, home, at_import, for_types)
        else:
            inside = at_import and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    yield from _imports([child], home, inside, for_types)
                elif isinstance(child, ast.ExceptHandler | ast.match_case):
                    yield from _imports(child.body, home, inside, for_types)


def inside(target: str, package: str) -> bool:
    """Say whether a dotted name is a package or lies in it."""
    return target == package or target.startswith(f"{package}.")


def resolve(target: str) -> Module | None:
    """Give the project's module that an import's target names or is taken from."""
    known = modules()
    while target:
        if target in known:
            return known[target]
        target = target.rpartition(".")[0]
    return None


def path_to(start: Module, package: str) -> list[str]:
    """Give the shortest chain of imports from a module to an outside package.

    Only what runs at import time counts. The list is empty where nothing leads there.
    """
    queue = [(start, [start.name])]
    seen = {start.name}
    while queue:
        module, chain = queue.pop(0)
        for item in module.imports:
            if not item.at_import:
                continue
            if inside(item.target, package):
                return [*chain, item.target]
            following = resolve(item.target)
            # Importing `a.b.c` runs `a` and `a.b` first.
            for name in _with_parents(following.name if following else ""):
                if name in modules() and name not in seen:
                    seen.add(name)
                    queue.append((modules()[name], [*chain, name]))
    return []


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])
