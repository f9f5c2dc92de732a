"""The slow tests, part by part: ``python -m tests.slow``, which ``make test`` calls.

A part runs in parallel, in processes of its own. If it does not pass there, its files run one
after the other, each in a process of its own, and all have to pass. For now and then one of these
processes was ended by SIGSEGV after ten minutes; why is not known. No lost worker is replaced:
pytest-xdist 3.8 would wait for ever. Where a crash leaves a core file and gdb is there, the native
stacks of all threads are shown.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = (("tests/training",), ("tests/runtime", "tests/benchmarks", "tests/deploy"))
#: What pytest is given for each part; the last runs all that the others have not.
PARTS = (
    *FOLDERS,
    ("tests", *(f"--ignore={folder}" for part in FOLDERS for folder in part)),
)
PART_LIMIT_S = 1800
NO_TESTS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all; 0 if every test passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow", description=__doc__)
    parser.add_argument("--processes", default="auto", help="at a time, auto: one a core")
    parser.add_argument("--timeout", default="420", help="seconds after which a test hangs, 420")
    parser.add_argument("parts", nargs="*", help="folders under tests, all")
    options = parser.parse_args(arguments)
    _allow_core_files()
    parts = [(one,) for one in options.parts] or [*PARTS]
    flags = ["--timeout", options.timeout, "--timeout-method", "thread"]
    failed = [part for part in parts if not run_part(part, options.processes, flags)]
    for part in failed:
        print(f"slow tests: {part[0]} failed", flush=True)
    return 1 if failed else 0


def run_part(part: Sequence[str], processes: str, flags: Sequence[str]) -> bool:
    """Whether its tests pass: in parallel, or else a file at a time."""
    print(f"slow tests: {' '.join(part)}", flush=True)
    parallel = ["--numprocesses", processes, "--dist", "loadfile"]
    parallel += ["--max-worker-restart", "0", "--durations=10"]
    code = _pytest([*part, *parallel, *flags])
    if code in (0, NO_TESTS):
        return True
    print(f"slow tests: {_describe(code)}; once more, a file at a time", flush=True)
    codes = {file: _pytest([file, *flags]) for file in _find_files(part)}
    broken = {file: code for file, code in codes.items() if code not in (0, NO_TESTS)}
    for file, code in broken.items():
        print(f"slow tests: {file}: {_describe(code)}", flush=True)
    return bool(codes) and not broken


def _pytest(flags: Sequence[str]) -> int:
    """Exit status of pytest on slow tests, negative: the signal that ended it."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow and not lint", *flags]
    began = time.time()
    try:
        code = subprocess.run(command, cwd=REPOSITORY, timeout=PART_LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        code = -signal.SIGKILL
    _show_crashes(began)
    return code


def _find_files(flags: Sequence[str]) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "slow and not lint"]
    listed = subprocess.run(
        [*command, *flags], cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False
    ).stdout
    return [*dict.fromkeys(line.split("::")[0] for line in listed.splitlines() if "::" in line)]


def _describe(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _allow_core_files() -> None:
    try:
        import resource
    except ImportError:
        return
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _show_crashes(began: float) -> None:
    """Print the stacks in core files of this run and remove them."""
    for core in [*REPOSITORY.glob("core"), *REPOSITORY.glob("core.[0-9]*")]:
        if not core.is_file() or core.stat().st_mtime < began:
            continue
        if shutil.which("gdb"):
            stacks = ["gdb", "-batch", "-ex", "thread apply all backtrace 16", sys.executable]
            silent = subprocess.DEVNULL
            subprocess.run([*stacks, str(core)], stderr=silent, timeout=300, check=False)
        core.unlink()


if __name__ == "__main__":
    sys.exit(main())
