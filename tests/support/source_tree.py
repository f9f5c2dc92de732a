"""The project's sources as the tests see them: files, imports, the graph they form, lengths."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("benchmarks", "export", "runtime", "training")
Graph = dict[str, set[str]]


@dataclass(frozen=True)
class Import:
    """One imported name.

    Attributes:
        line: Where it stands.
        module: What follows ``import`` or ``from``, without a relative import's dots.
        name: The name taken out of the module, or None for ``import module``.
        dots: How many dots a relative import begins with.
        in_function: Whether it runs only when a function is called.
        for_types: Whether it stands under ``if TYPE_CHECKING:`` and never runs.
    """

    line: int
    module: str
    name: str | None
    dots: int
    in_function: bool
    for_types: bool


def list_sources(folder: str, root: Path = REPOSITORY) -> list[Path]:
    """Every Python file below a folder of the repository."""
    return sorted((root / folder).rglob("*.py"))


def module_of(path: Path, root: Path = REPOSITORY) -> str:
    """The dotted name by which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def read_imports(path: Path) -> list[Import]:
    """Every import of a file, wherever it stands."""
    tree = _parse(path)
    return list(_walk(tree, in_function=False, for_types=False))


def _walk(node: ast.AST, *, in_function: bool, for_types: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(node.lineno, alias.name, None, 0, in_function, for_types)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            module, dots = node.module or "", node.level
            yield Import(node.lineno, module, alias.name, dots, in_function, for_types)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _walk(child, in_function=in_function, for_types=True)
        for child in node.orelse:
            yield from _walk(child, in_function=in_function, for_types=for_types)
    else:
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, in_function=inside, for_types=for_types)


def import_graph(*, in_functions: bool, root: Path = REPOSITORY) -> Graph:
    """For each module of the four packages, the modules of theirs that it imports.

    ``from package import name`` is an edge to the module ``package.name`` where there is one, else
    to the package. What is imported for types only is left out.
    """
    files = {module_of(p, root): p for package in PACKAGES for p in list_sources(package, root)}
    graph: Graph = {module: set() for module in files}
    for module, path in files.items():
        for found in read_imports(path):
            if found.for_types or (found.in_function and not in_functions):
                continue
            submodule = f"{found.module}.{found.name}"
            target = submodule if submodule in files else found.module
            if target in files and target != module:
                graph[module].add(target)
    return graph


def room_graph(graph: Mapping[str, set[str]], package: str) -> Graph:
    """The graph between a package's rooms: the folders and files that lie directly in it."""
    rooms: Graph = {}
    for module, targets in graph.items():
        if module.partition(".")[0] == package:
            inside = {_room(target) for target in targets if target.startswith(f"{package}.")}
            rooms.setdefault(_room(module), set()).update(inside - {_room(module)})
    return rooms


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def find_cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle as a path that ends where it begins; empty if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))  # graphlib names the imported before the importer
    return []


def function_lengths(path: Path) -> dict[str, int]:
    """Lines of each function of a file, decorators not counted, by ``line:name``."""
    return {
        f"{node.lineno}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
