"""How the tests start ``mgca-rt``."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
# One engine by name: "auto" would try them all, which has tests of its own.
ENGINE = ("--backend", "onnxruntime-cpu")
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
    """A function like ``Popen`` with its texts kept; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(command: list[str], **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
