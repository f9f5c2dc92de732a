"""A pytest plugin for environments with the lean install only: what needs more is skipped.

``python -m pytest -p tests.compat.lean`` turns a test, or a test file, that imports a package
outside the lean install (PyTorch, ONNX, ...) into a skipped one, and says which package it was.
Nothing is listed by hand: the test's own import decides. An import that fails *inside* the
runtime is never excused, since the runtime must work with what the lean install has.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RUNTIME = REPOSITORY / "runtime"


def find_excuse(error: BaseException | None) -> str | None:
    """The package that an error's chain of causes says is absent, if a test asked for it."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            return None if _is_our_own(package) or _asked_by_runtime(error) else package
        error = error.__cause__ or error.__context__
    return None


def _is_our_own(package: str) -> bool:
    return package in sys.stdlib_module_names or (REPOSITORY / package).exists()


def _asked_by_runtime(error: ModuleNotFoundError) -> bool:
    """Whether the innermost file that belongs to this repository lies in the runtime."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [file for file in files if file.is_relative_to(REPOSITORY)]
    return bool(ours) and ours[-1].is_relative_to(RUNTIME)


def _skipped(path: Path, line: int, package: str) -> tuple[str, int, str]:
    return str(path), line, f"Skipped: needs {package}, which a lean install lacks"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    call = getattr(report, "call", None)  # pytest keeps the error of a failed collection here
    if report.failed and call is not None and call.excinfo is not None:
        package = find_excuse(call.excinfo.value)
        if package is not None:
            report.outcome = "skipped"
            report.longrepr = _skipped(collector.path, 1, package)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.excinfo is not None:
        package = find_excuse(call.excinfo.value)
        if package is not None:
            report.outcome = "skipped"
            report.longrepr = _skipped(item.path, item.location[1] or 0, package)
    return report
