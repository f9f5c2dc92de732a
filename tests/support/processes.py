"""How the tests start ``mgca-rt``."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

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
