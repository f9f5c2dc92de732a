"""The house's boundaries, read off the source itself."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.source_tree import (
    PACKAGES,
    REPOSITORY,
    find_cycle,
    function_lengths,
    import_graph,
    list_sources,
    module_of,
    read_imports,
    room_graph,
)

pytestmark = pytest.mark.lint

MAY_IMPORT = {
    "runtime": set(),
    "training": {"runtime"},
    "export": {"training", "runtime"},
    "benchmarks": {"training", "export", "runtime"},
}
# A lean install has none of these: what it imports must not name them.
HEAVY = {"torch", "torchvision", "open_clip", "onnx", "onnxscript", "webdataset"}
TRAINING_BENCHMARKS = ("ablation", "training_kills", "training_speed")
# Small parts of the runtime (standard library, numpy, OpenCV and PyAV) that every package may use.
SHARED_SMALL_PARTS = (
    "runtime.atomic_write",
    "runtime.backends.tensorrt.cache.locking",
    "runtime.cache",
    "runtime.command",
    "runtime.confusion_matrix",
    "runtime.environment",
    "runtime.errors",
    "runtime.flag_values",
    "runtime.paced_lines",
    "runtime.pictures",
    "runtime.plain_json",
)
# Imports between rooms that close a circle, and why each must stay: (importer, imported): reason.
MAY_LOOK_BACK: dict[tuple[str, str], str] = {}

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}
MOST_FILE_LINES = 350
MOST_FUNCTION_LINES = 60
P90_FUNCTION_LINES = 30
WITH_TESTS = (*PACKAGES, "tests")


def _offenders(folder: str, forbidden: set[str], *, in_functions: bool = True) -> list[str]:
    """Imports below a folder whose top-level package is forbidden; types do not excuse one."""
    return [
        f"{path.relative_to(REPOSITORY)}:{found.line} imports {found.module}"
        for path in list_sources(folder)
        for found in read_imports(path)
        if found.module.partition(".")[0] in forbidden
        and (in_functions or not (found.in_function or found.for_types))
    ]


def _imports_of_ours(folder: str) -> list[tuple[Path, int, str]]:
    """File, line and full dotted name of each import of one of the four packages."""
    return [
        (path, found.line, ".".join(filter(None, (found.module, found.name))))
        for path in list_sources(folder)
        for found in read_imports(path)
        if found.module.partition(".")[0] in PACKAGES
    ]


def _listed(found: list[tuple[Path, int, str]]) -> list[str]:
    return [f"{path.relative_to(REPOSITORY)}:{line} imports {name}" for path, line, name in found]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_lies_before_them(package: str) -> None:
    assert list_sources(package), f"{package}/ holds no source: this test would prove nothing"
    assert _offenders(package, set(PACKAGES) - {package} - MAY_IMPORT[package]) == []


def test_the_runtime_never_names_what_a_lean_install_lacks() -> None:
    assert _offenders("runtime", HEAVY) == []


@pytest.mark.parametrize("folder", ["benchmarks", "training/data/streetworld"])
def test_what_a_lean_install_imports_stays_lean(folder: str) -> None:
    # Some benchmarks train: their own modules need torch as training does, nothing else may.
    trains = tuple(f"benchmarks/{name}/" for name in TRAINING_BENCHMARKS)
    offenders = _offenders(folder, HEAVY, in_functions=False)
    assert [line for line in offenders if not line.startswith(trains)] == []


@pytest.mark.parametrize("benchmark", TRAINING_BENCHMARKS)
def test_only_a_benchmark_that_trains_imports_itself(benchmark: str) -> None:
    """Otherwise what it is allowed would spread to what a lean install imports."""
    found = [
        one
        for package in PACKAGES
        for one in _imports_of_ours(package)
        if benchmark not in one[0].parts and one[2].startswith(f"benchmarks.{benchmark}")
    ]
    assert _listed(found) == []


def test_training_knows_the_runtime_by_its_bundle_format_only() -> None:
    allowed = ("runtime.bundle", "runtime.text", *SHARED_SMALL_PARTS)
    found = [one for one in _imports_of_ours("training") if one[2].startswith("runtime")]
    assert _listed([one for one in found if not one[2].startswith(allowed)]) == []


def test_the_generated_world_needs_nothing_of_ours() -> None:
    allowed = ("training.data.streetworld", *SHARED_SMALL_PARTS)
    found = _imports_of_ours("training/data/streetworld")
    assert _listed([one for one in found if not one[2].startswith(allowed)]) == []


@pytest.mark.parametrize("in_functions", [False, True], ids=["on import", "functions included"])
def test_modules_import_in_no_circle(in_functions: bool) -> None:
    """An import inside a function hides a circle from Python, not from a reader."""
    assert find_cycle(import_graph(in_functions=in_functions)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_in_no_circle(package: str) -> None:
    """The folders of a package can be put into an order in which each needs only earlier ones."""
    graph = import_graph(in_functions=True)
    for importer, imported in MAY_LOOK_BACK:
        assert imported in graph[importer], f"{importer} no longer imports {imported}"
        graph[importer].discard(imported)
    circle = find_cycle(room_graph(graph, package))
    assert circle == [], _explain(graph, circle)


def _explain(graph: dict[str, set[str]], circle: list[str]) -> str:
    """The imports that make up a circle of rooms."""
    steps = list(pairwise(circle))
    lines = [
        f"{module} imports {target}"
        for start, end in steps
        for module, targets in graph.items()
        for target in sorted(targets)
        if f"{module}.".startswith(f"{start}.") and f"{target}.".startswith(f"{end}.")
    ]
    return "\n".join([" -> ".join(circle), *lines])


def test_imports_are_absolute() -> None:
    relative = [
        f"{path.relative_to(REPOSITORY)}:{found.line}"
        for folder in WITH_TESTS
        for path in list_sources(folder)
        for found in read_imports(path)
        if found.dots
    ]
    assert relative == []


def test_every_folder_of_sources_is_a_package() -> None:
    """Data folders become packages of their own in the wheel; sources never without __init__.py."""
    folders = {path.parent for package in PACKAGES for path in list_sources(package)}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_names_say_something() -> None:
    names = {
        part: path
        for folder in WITH_TESTS
        for path in list_sources(folder)
        for part in module_of(path).split(".")
    }
    silent = [str(path) for name, path in names.items() if name in SAYS_NOTHING]
    assert silent == []
    spelled = re.compile(r"__main__|[a-z][a-z0-9]*(_[a-z0-9]+)*")
    assert [str(path) for name, path in names.items() if not spelled.fullmatch(name)] == []


@pytest.mark.parametrize("folder", WITH_TESTS)
def test_files_are_short(folder: str) -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in list_sources(folder)}
    long = [f"{p.relative_to(REPOSITORY)}: {n}" for p, n in lines.items() if n > MOST_FILE_LINES]
    assert long == []


def _function_lengths(*folders: str) -> list[tuple[str, int]]:
    """Every function with its lines, the longest first."""
    lengths = {
        f"{path.relative_to(REPOSITORY)}:{name}": lines
        for folder in folders
        for path in list_sources(folder)
        for name, lines in function_lengths(path).items()
    }
    return sorted(lengths.items(), key=lambda item: item[1], reverse=True)


@pytest.mark.parametrize("folders", [PACKAGES, ("tests",)], ids=["packages", "tests"])
def test_nine_functions_in_ten_are_short(folders: tuple[str, ...]) -> None:
    lengths = _function_lengths(*folders)
    too_long = [f"{name} {lines}" for name, lines in lengths if lines > P90_FUNCTION_LINES]
    assert len(too_long) <= len(lengths) // 10, too_long


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_is_very_long(package: str) -> None:
    lengths = _function_lengths(package)
    assert [f"{name} {lines}" for name, lines in lengths if lines > MOST_FUNCTION_LINES] == []


HIDDEN = """\
import torch.nn as nn
from typing import TYPE_CHECKING
from ..errors import UserError
if TYPE_CHECKING:
    from training import run
else:
    import json
class Engine:
    import cv2
    def start(self):
        from training.model import mgca
"""


def test_the_reader_of_imports_sees_them_all(tmp_path: Path) -> None:
    """The checks above rest on it: nested, relative, aliased and types-only imports."""
    source = tmp_path / "noun.py"
    source.write_text(HIDDEN)
    found = {
        (one.module, one.name, one.dots, one.in_function, one.for_types)
        for one in read_imports(source)
    }
    assert found == {
        ("torch.nn", None, 0, False, False),
        ("typing", "TYPE_CHECKING", 0, False, False),
        ("errors", "UserError", 2, False, False),
        ("training", "run", 0, False, True),
        ("json", None, 0, False, False),
        ("cv2", None, 0, False, False),
        ("training.model", "mgca", 0, True, False),
    }


def test_a_circle_is_found(tmp_path: Path) -> None:
    files = {
        "runtime/bundle/a.py": "from runtime.text import b\n",
        "runtime/text/b.py": "def f():\n    import runtime.sinks.c\n",
        "runtime/sinks/c.py": "from runtime.bundle.a import thing\n",
        "runtime/sinks/d.py": "from runtime.text.b import f\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert find_cycle(import_graph(in_functions=False, root=tmp_path)) == []
    graph = import_graph(in_functions=True, root=tmp_path)
    circle = find_cycle(graph)
    assert len(circle) == 4 and circle[0] == circle[-1]
    assert set(circle) == {"runtime.bundle.a", "runtime.text.b", "runtime.sinks.c"}
    assert all(after in graph[before] for before, after in pairwise(circle))
    rooms = room_graph(graph, "runtime")
    assert rooms["runtime.sinks"] == {"runtime.bundle", "runtime.text"}
    assert set(find_cycle(rooms)) == {"runtime.bundle", "runtime.text", "runtime.sinks"}
