"""Every wait of a test has a limit: what hangs fails, and what was started is ended."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

RUNS = ("subprocess.run", "subprocess.check_output", "subprocess.check_call", "subprocess.call")
WAITS = ("join", "wait", "communicate")
#: Where a process may be started directly: each of these ends its own.
STARTS = ("support/processes.py", "support/screen.py", "support/mosquitto.py",
          "support/rtsp_process.py")  # fmt: skip


def find_endless_waits(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of calls that may wait for ever."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name, keywords = ast.unparse(call.func), {keyword.arg for keyword in call.keywords}
        if (name in RUNS and "timeout" not in keywords) or name == "subprocess.Popen":
            yield call.lineno, name
        elif call.func.attr in WAITS and not call.args and "timeout" not in keywords:
            yield call.lineno, name


@pytest.mark.lint
def test_no_test_waits_for_ever(repository: Path) -> None:
    tests, found = repository / "tests", []
    for path in sorted(tests.rglob("*.py")):
        place = path.relative_to(tests).as_posix()
        for line, name in find_endless_waits(path.read_text()):
            if name != "subprocess.Popen" or place not in STARTS:
                found.append(f"{place}:{line}: {name} without a limit; see tests/support/processes")
    assert found == []


@pytest.mark.lint
def test_the_reader_sees_them() -> None:
    source = (
        "subprocess.run(['a'])\nsubprocess.run(['a'], timeout=1)\nthread.join()\nthread.join(2)\n"
        "', '.join(x)\nprocess.communicate('x')\nprocess.wait()\nsubprocess.Popen(['a'])\n"
    )
    assert sorted(line for line, _ in find_endless_waits(source)) == [1, 3, 7, 8]
