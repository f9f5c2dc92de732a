from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import runtime
from runtime.errors import BundleError, MgcaError, SourceGoneError, UnknownClassError, UserError
from tests.support.processes import LIMIT_S

CORE = ("runtime.bundle", "runtime.text", "runtime.backends")


def core_modules() -> list[str]:
    names = [
        "runtime.segment.labelling",
        "runtime.segment.rle",
        "runtime.draw.palette",
        "runtime.segment.result",
    ]
    for package in CORE:
        folder = importlib.import_module(package).__path__
        names += [package, *(f"{package}.{module.name}" for module in pkgutil.iter_modules(folder))]
    return names


@pytest.mark.parametrize("name", core_modules())
def test_docstring_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_import_loads_nothing_but_itself() -> None:
    code = (
        "import sys; before = set(sys.modules); import runtime; "
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(loaded - sys.stdlib_module_names))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert ran.stdout.strip() == "['runtime']"


def test_every_public_name_is_there() -> None:
    assert runtime.Segmenter.__module__ == "runtime.segment.segmenter"
    for name in runtime.__all__:
        assert getattr(runtime, name) is not None
        assert name in dir(runtime)
    with pytest.raises(AttributeError, match="module 'runtime' has no attribute 'nonsense'"):
        runtime.nonsense  # noqa: B018


def test_errors_are_one_line_with_their_exit_codes() -> None:
    assert str(MgcaError("two\n  lines\there")) == "two lines here"
    assert MgcaError("x").exit_code == 1
    assert MgcaError("x", exit_code=7).exit_code == 7
    assert UserError("x").exit_code == BundleError("x").exit_code == 2
    assert UnknownClassError("x").exit_code == 2
    assert SourceGoneError("x").exit_code == 3
