"""How the tests start ``mgca-rt``."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
# One engine by name: "auto" would try them all, which has tests of its own.
ENGINE = ("--backend", "onnxruntime-cpu")
#: Nothing that a test waits for takes longer unless it is broken; less than what the Makefile gives
#: a test, so that the test fails by itself and what it started is ended.
LIMIT_S = 600.0

Run = Callable[..., subprocess.CompletedProcess[str]]


def command_environment() -> dict[str, str]:
    """The environment of a child: finds the package from any folder, has no screen, one thread."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    return environment


def without_progress(stderr: str) -> str:
    """What was said but for the lines that a run of over ten seconds says of its progress.

    A busy machine makes any run that long.
    """
    return re.sub(r"^mgca-rt: frames done: .*\n", "", stderr, flags=re.MULTILINE)


@contextmanager
def started_processes() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A function like ``Popen`` with its texts kept; what still runs at the end is killed.

    So is what runs for :data:`LIMIT_S`: whoever reads from it or waits for it goes on.
    """
    pipe = subprocess.PIPE
    with ExitStack() as all_of_them:

        def start(command: Sequence[object], **options: Any) -> subprocess.Popen[str]:
            options = {"stdout": pipe, "stderr": pipe, "text": True, **options}
            process = subprocess.Popen([str(word) for word in command], **options)
            all_of_them.callback(end_process, process)
            all_of_them.enter_context(killed_if_late(process))
            return process

        yield start


@contextmanager
def killed_if_late(
    process: subprocess.Popen[Any], limit_s: float = LIMIT_S
) -> Iterator[subprocess.Popen[Any]]:
    """Kill a process that outlasts the block's ``limit_s``; reading from it ends then."""
    late = threading.Timer(limit_s, process.kill)
    late.daemon = True
    late.start()
    try:
        yield process
    finally:
        late.cancel()


def end_process(process: subprocess.Popen[Any]) -> None:
    """Kill a process, unless it has ended, and let go of its pipes."""
    if process.poll() is None:
        process.kill()
    with suppress(subprocess.TimeoutExpired):  # children of its own may hold its pipes
        process.communicate(timeout=10)
    process.wait(LIMIT_S)


def run_with_children(
    command: Sequence[object], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command that starts processes, its texts kept; one that takes :data:`LIMIT_S` fails.

    It is asked to end before it is killed: only then does it end its children, too.
    """
    with started_processes() as start:
        process = start(command, **options)
        try:
            stdout, stderr = process.communicate(timeout=LIMIT_S - 60)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
