"""The house's boundaries, read off the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
OURS = ("benchmarks", "export", "runtime", "training")
MAY_IMPORT = {
    "runtime": set(),
    "training": {"runtime"},
    "export": {"training", "runtime"},
    "benchmarks": {"training", "export", "runtime"},
}
# A lean install has none of these: what it imports must not name them.
HEAVY = {"torch", "torchvision", "open_clip", "onnx", "onnxscript", "webdataset"}
# Small parts of the runtime (standard library and numpy) that every package may use.
SHARED_SMALL_PARTS = (
    "runtime.atomic_write",
    "runtime.confusion_matrix",
    "runtime.environment",
    "runtime.flag_values",
    "runtime.plain_json",
)
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


def _sources(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


def _imports(path: Path, *, nested: bool = True) -> Iterator[tuple[int, str]]:
    """Line and absolute module name of each import, those inside functions too if ``nested``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(REPOSITORY).parent.parts
    for node in ast.walk(tree) if nested else _top_level(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield node.lineno, ".".join(part for part in (base, node.module) if part)


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run on import; a TYPE_CHECKING block does not."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def _broken(package: str, forbidden: set[str], *, nested: bool = True) -> list[str]:
    return [
        f"{path.relative_to(REPOSITORY)}:{line} imports {name}"
        for path in _sources(package)
        for line, name in _imports(path, nested=nested)
        if name.split(".")[0] in forbidden
    ]


TRAINING_BENCHMARKS = ("ablation", "training_speed")


@pytest.mark.parametrize("package", OURS)
def test_packages_import_only_what_lies_before_them(package: str):
    assert _sources(package), f"{package}/ holds no source: this test would prove nothing"
    assert _broken(package, set(OURS) - {package} - MAY_IMPORT[package]) == []


def test_the_runtime_never_names_what_a_lean_install_lacks():
    assert _broken("runtime", HEAVY) == []


@pytest.mark.parametrize("package", ["benchmarks", "training/data/streetworld"])
def test_what_a_lean_install_imports_stays_lean(package: str):
    # Two benchmarks train: their own modules need torch as training does, nothing else may.
    trains = tuple(f"benchmarks/{name}/" for name in TRAINING_BENCHMARKS)
    broken = _broken(package, HEAVY, nested=False)
    assert [line for line in broken if not line.startswith(trains)] == []


@pytest.mark.parametrize("benchmark", TRAINING_BENCHMARKS)
def test_only_a_benchmark_that_trains_imports_itself(benchmark: str):
    """Otherwise what it is allowed would spread to what a lean install imports."""
    names = [
        f"{path.relative_to(REPOSITORY)}:{line} imports {name}"
        for package in OURS
        for path in _sources(package)
        if benchmark not in path.parts
        for line, name in _imports(path)
        if name.startswith(f"benchmarks.{benchmark}")
    ]
    assert names == []


def test_training_knows_the_runtime_by_its_bundle_format_only():
    allowed = (
        "runtime.bundle",
        "runtime.errors",
        "runtime.text",
        "runtime.command",
        *SHARED_SMALL_PARTS,
    )
    names = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in _sources("training")
        for _, name in _imports(path)
        if name.split(".")[0] == "runtime"
    }
    assert [pair for pair in sorted(names) if not pair[1].startswith(allowed)] == []


def test_the_generated_world_needs_nothing_of_ours():
    allowed = "training.data.streetworld"
    names = [
        f"{path.relative_to(REPOSITORY)}:{line} imports {name}"
        for path in _sources("training/data/streetworld")
        for line, name in _imports(path)
        if name.split(".")[0] in OURS
        and not name.startswith(allowed)
        and not name.startswith(("runtime.errors", "runtime.command", *SHARED_SMALL_PARTS))
    ]
    assert names == []


def test_every_folder_of_sources_is_a_package():
    """Data folders become packages of their own in the wheel; sources never without __init__.py."""
    folders = {path.parent for package in OURS for path in _sources(package)}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_file_names_say_something():
    files = [path for package in (*OURS, "tests") for path in _sources(package)]
    assert [str(path) for path in files if path.stem in SAYS_NOTHING] == []


def test_the_reader_of_imports_sees_them_all(tmp_path, monkeypatch):
    """The checks above rest on `_imports`: it must see nested, relative and aliased imports."""
    source = tmp_path / "runtime" / "sub" / "noun.py"
    source.parent.mkdir(parents=True)
    source.write_text(
        "import torch.nn as nn\nfrom ..errors import UserError\nfrom . import other\n"
        "def f():\n    from training.model import mgca\n"
    )
    monkeypatch.setitem(globals(), "REPOSITORY", tmp_path)
    names = {name for _, name in _imports(source)}
    assert names == {"torch.nn", "runtime.errors", "runtime.sub", "training.model"}
    outer = {name for _, name in _imports(source, nested=False)}
    assert outer == {"torch.nn", "runtime.errors", "runtime.sub"}
