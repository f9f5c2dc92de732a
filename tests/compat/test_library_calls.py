"""Every name of a library that the runtime uses exists in the version installed here.

A new major version may drop a function that only a camera, a screen or an error would have
called. Read off the source, so that nothing has to be run and nothing is listed by hand.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from runtime.sources.camera import silence_opencv

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"
LIBRARIES = (
    *("av", "cv2", "ftfy", "numpy", "onnxruntime"),
    *("openvino", "prometheus_client", "regex", "safetensors", "starlette"),
    *("tokenizers", "tqdm", "uvicorn"),
)


def find_names(source: str, library: str) -> set[str]:
    """Dotted names below ``library`` that a source imports or reads: ``error.FFmpegError``.

    What the source asks for with ``hasattr`` may be absent, and is left out.
    """
    nodes = list(ast.walk(ast.parse(source)))
    names, aliases = set(), set()
    for node in nodes:
        if isinstance(node, ast.Import):
            aliases |= {n.asname or n.name for n in node.names if n.name == library}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == library:
            below = (node.module or "").split(".")[1:]
            names |= {".".join([*below, name.name]) for name in node.names}
    names |= {name for node in nodes if (name := _below(node, aliases))}
    optional = tuple(_asked_for(node, aliases) for node in nodes)
    return {name for name in names if not _begins(name, optional)}


def _below(node: ast.AST, aliases: set[str]) -> str | None:
    """``error.FFmpegError`` for the expression ``av.error.FFmpegError``."""
    chain = ast.unparse(node).split(".") if isinstance(node, ast.Attribute | ast.Name) else []
    plain = bool(chain) and chain[0] in aliases and all(part.isidentifier() for part in chain)
    return ".".join(chain[1:]) if plain else None


def _asked_for(node: ast.AST, aliases: set[str]) -> str | None:
    """``utils.logging`` for the call ``hasattr(cv2.utils, "logging")``."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "hasattr"):
        return None
    where, name = node.args
    below = _below(where, aliases)
    if below is None or not isinstance(name, ast.Constant):
        return None
    return f"{below}.{name.value}".lstrip(".")


def _begins(name: str, optional: tuple[str | None, ...]) -> bool:
    return any(f"{name}.".startswith(f"{one}.") for one in optional if one)


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
    assert find_names(source, "numpy") == {"linalg.norm", "in9d"}
    assert _resolve("numpy", "linalg.norm") and not _resolve("numpy", "in9d")


def test_a_name_that_the_source_asks_for_may_be_absent() -> None:
    source = "import cv2\nif hasattr(cv2.utils, 'logs'):\n    cv2.utils.logs.on()\ncv2.utils.go()\n"
    assert find_names(source, "cv2") == {"utils", "utils.go"}


def test_opencv_can_be_silenced(capfd: pytest.CaptureFixture[str]) -> None:
    """Where the call lies differs between versions; only a machine with a camera would notice."""
    import cv2

    silence_opencv()
    assert not cv2.VideoCapture(97).isOpened()
    assert capfd.readouterr().err == ""
