"""What the library advises, a program can do: no flag of a command stands in its errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from runtime.command import say_as_flags

FLAGS = ("--backend", "--allow-unknown", "--threshold", "--units", "--classes", "--smooth")
LIBRARY = ("backends", "bundle", "pictures", "draw", "text")


def raised_texts(tree: ast.AST) -> list[str]:
    return [
        text.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) or isinstance(node, ast.Return)
        for text in ast.walk(node)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]


@pytest.mark.parametrize("package", LIBRARY)
def test_no_error_of_the_library_names_a_flag(package: str, repository: Path) -> None:
    for path in sorted((repository / "runtime" / package).rglob("*.py")):
        for text in raised_texts(ast.parse(path.read_text("utf-8"))):
            assert not any(flag in text for flag in FLAGS), f"{path}: {text}"


def test_commands_say_it_as_flags() -> None:
    said = say_as_flags("use backend='onnxruntime-cpu', another backend, or allow_unknown=True")
    assert said == "use --backend onnxruntime-cpu, another --backend, or --allow-unknown"
