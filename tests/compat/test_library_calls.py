"""Every name of a library that the runtime uses exists in the version installed here.

A new major version may drop a function that only a camera, a screen or an error would have
called. Read off the source, so that nothing has to be run and nothing is listed by hand.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"
LIBRARIES = (
    *("av", "cv2", "ftfy", "numpy", "onnxruntime"),
    *("openvino", "regex", "safetensors", "tokenizers", "tqdm"),
)


def find_names(source: str, library: str) -> Iterator[str]:
    """Dotted names below ``library`` that a source imports or reads: ``error.FFmpegError``."""
    tree = ast.parse(source)
    aliases = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {n.asname or n.name for n in node.names if n.name == library}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == library:
            below = (node.module or "").split(".")[1:]
            yield from (".".join([*below, name.name]) for name in node.names)
    for node in ast.walk(tree):
        chain = ast.unparse(node).split(".") if isinstance(node, ast.Attribute) else []
        if chain[:1] and chain[0] in aliases and all(part.isidentifier() for part in chain):
            yield ".".join(chain[1:])


def _resolve(library: str, name: str) -> bool:
    found = importlib.import_module(library)
    path = library
    for part in name.split("."):
        path += f".{part}"
        if not hasattr(found, part):
            try:
                importlib.import_module(path)
            except ImportError:
                return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_the_runtime_calls_exists(library: str) -> None:
    pytest.importorskip(library)
    names: dict[str, Path] = {}
    for path in sorted(RUNTIME.rglob("*.py")):
        names |= dict.fromkeys(find_names(path.read_text(encoding="utf-8"), library), path)
    assert names, f"the runtime does not use {library}: take it out of pyproject.toml and here"
    absent = [f"{path.relative_to(RUNTIME.parent)}: {library}.{name}"
              for name, path in names.items() if not _resolve(library, name)]  # fmt: skip
    assert absent == []


def test_a_name_that_is_not_there_is_found_out() -> None:
    source = "import numpy as np\nfrom numpy.linalg import norm\ndef f():\n    return np.in9d(1)\n"
    names = set(find_names(source, "numpy"))
    assert names == {"linalg.norm", "in9d"}
    assert _resolve("numpy", "linalg.norm") and not _resolve("numpy", "in9d")
