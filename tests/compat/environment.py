"""One clean environment: made, filled with the lean install, put to the test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# A wheel must exist: what would have to be compiled is not what a user's pip takes.
RESOLUTIONS = {"newest": "highest", "oldest": "lowest-direct"}
SHOWN_PACKAGES = ("numpy", "opencv-python", "av", "onnxruntime", "openvino", "tokenizers")
# Beside the lean install, with its versions held: the tests' own tools.
TEST_TOOLS = ("pytest>=8", "onnx>=1.17")
TESTS = ("tests/runtime", "tests/compat")
STEP_TIMEOUT_S = 1800
DEMO_FRAMES = 20  # the others of the 105 would show nothing that these do not
LAST_LINES = 25


@dataclass
class Outcome:
    """What one environment showed.

    Attributes:
        python: Its version, such as ``"3.12"``.
        resolution: ``"newest"`` or ``"oldest"``.
        versions: Version of each package of ``SHOWN_PACKAGES``.
        failed: The first step that failed, or None.
        detail: The end of what that step said.
        passed: How many tests passed.
        skipped: How many were skipped, those that need more than the lean install included.
    """

    python: str
    resolution: str
    versions: dict[str, str] = field(default_factory=dict)
    failed: str | None = None
    detail: str = ""
    passed: int = 0
    skipped: int = 0


class StepError(Exception):
    """A command that failed: which step it was, and the end of what it said."""


class Uv:
    """uv, from PyPI, in a small environment of its own."""

    def __init__(self, folder: Path) -> None:
        make = [sys.executable, str(REPOSITORY / ".ci" / "make_environment.py"), str(folder)]
        run_step("make an environment for uv", make)
        python = str(folder / "bin" / "python")
        run_step("install uv", [python, "-m", "pip", "install", "--quiet", "uv"])
        self._command = str(folder / "bin" / "uv")

    def make(self, folder: Path, interpreter: str) -> str:
        """Make an empty environment; returns its Python."""
        make = ["venv", "--quiet", "--no-project", "--clear", "--python", interpreter]
        run_step("make the environment", [self._command, *make, str(folder)])
        return str(folder / "bin" / "python")

    def install(self, python: str, *arguments: str) -> None:
        """Install into the environment of ``python``, from wheels only."""
        wheels = ("--quiet", "--no-progress", "--only-binary", ":all:")
        self._pip("install", python, *wheels, *arguments)

    def build(self, source: Path, folder: Path) -> Path:
        """Build the wheel of ``source`` into ``folder``."""
        command = [self._command, "build", "--quiet", "--wheel", "--out-dir", str(folder)]
        run_step("build the wheel", [*command, "--python", sys.executable, str(source)])
        (wheel,) = folder.glob("mgca-*.whl")
        return wheel

    def list(self, python: str) -> dict[str, str]:
        """Name and version of all that is installed."""
        listing = json.loads(self._pip("list", python, "--format", "json"))
        return {entry["name"]: entry["version"] for entry in listing}

    def _pip(self, command: str, python: str, *arguments: str) -> str:
        step = f"uv pip {command}"
        return run_step(step, [self._command, "pip", command, "--python", python, *arguments])


def run_step(step: str, command: list[str], cwd: Path = REPOSITORY) -> str:
    """Run a command and return its stdout; :class:`StepError` if it fails or does not end."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MGCA_", "VIRTUAL"))
    }
    try:
        done = subprocess.run(
            command, cwd=cwd, env=clean, capture_output=True, text=True,
            timeout=STEP_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise StepError(step, f"it did not end within {STEP_TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        raise StepError(step, "\n".join(said[-LAST_LINES:]))
    return done.stdout


def try_environment(
    uv: Uv, wheel: Path, folder: Path, interpreter: str, python_version: str, resolution: str
) -> Outcome:
    """Make the environment in ``folder``, install, run the demo and the tests; never raises."""
    outcome = Outcome(python_version, resolution)
    try:
        python = uv.make(folder, interpreter)
        # lowest-direct means what this file names; through the wheel, all of it would be indirect.
        pyproject = ("--requirements", str(REPOSITORY / "pyproject.toml"))
        uv.install(python, "--resolution", RESOLUTIONS[resolution], *pyproject)
        uv.install(python, "--no-deps", str(wheel))
        installed = uv.list(python)
        outcome.versions = _shown(installed)
        _run_demo(python, folder)
        held = folder / "held.txt"
        held.write_text("".join(f"{k}=={v}\n" for k, v in installed.items() if k != "mgca"))
        uv.install(python, "--constraint", str(held), *TEST_TOOLS)
        outcome.passed, outcome.skipped = _run_tests(python)
    except StepError as error:
        outcome.failed, outcome.detail = error.args
    return outcome


def _shown(installed: dict[str, str]) -> dict[str, str]:
    """The versions for the table."""
    return {name: version for name, version in installed.items() if name in SHOWN_PACKAGES}


def _run_demo(python: str, folder: Path) -> None:
    """The installed command, away from the checkout: a video must come out, a new word be read."""
    mgca_rt = str(Path(python).with_name("mgca-rt"))
    demo = [mgca_rt, "--max-frames", str(DEMO_FRAMES), "--out", "demo.mp4"]
    run_step("mgca-rt (the demo)", demo, cwd=folder)
    size = (folder / "demo.mp4").stat().st_size
    if size < 10_000:
        raise StepError("mgca-rt (the demo)", f"demo.mp4 has only {size} bytes")
    # The vocabulary holds the demo's own words; one that it lacks runs the text encoder.
    new_word = ["--classes", "car,zebra", "--allow-unknown", "--max-frames", "2", "--jsonl", "-"]
    said = run_step("mgca-rt with a new word", [mgca_rt, *new_word], cwd=folder)
    if said.count('"zebra"') != 2:
        raise StepError("mgca-rt with a new word", f"not a line for each of two frames: {said}")


def _run_tests(python: str) -> tuple[int, int]:
    """The fast tests of the runtime; returns how many passed and how many were skipped."""
    command = [python, "-m", "pytest", "-q", "-p", "tests.compat.lean", "-p", "no:cacheprovider",
               "-m", "not slow and not lint", "--no-header", "-r", "fE", *TESTS]  # fmt: skip
    said = run_step("the runtime's fast tests", command)
    counts = dict((kind, int(number)) for number, kind in re.findall(r"(\d+) (\w+)", said))
    if not counts.get("passed"):
        raise StepError("the runtime's fast tests", "no test ran")
    return counts["passed"], counts.get("skipped", 0)
