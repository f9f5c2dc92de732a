"""Which Pythons this project supports, and where this machine has them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ASK_VERSION = "import platform, sys; print(*sys.version_info[:2], platform.python_implementation())"


def read_supported(pyproject: str) -> list[str]:
    """The versions that ``requires-python = ">=3.A,<3.B"`` lets in.

    Args:
        pyproject: The text of pyproject.toml (Python 3.10 has no TOML reader of its own).

    Returns:
        Versions such as ``"3.10"``, the oldest first.

    Raises:
        ValueError: The line is absent or has another form.
    """
    found = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', pyproject, re.MULTILINE)
    if found is None:
        raise ValueError('pyproject.toml has no line requires-python = ">=3.A,<3.B"')
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]))]


def find_interpreter(version: str) -> str | None:
    """The path of a CPython ``version`` (``"3.12"``) that starts, or None where there is none."""
    for candidate in _candidates(version):
        if _answers(candidate, version):
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    """Where to look: this Python, the path, pyenv, Debian's own."""
    yield sys.executable
    on_path = (shutil.which(name) for name in (f"python{version}", "python3", "python"))
    yield from (path for path in on_path if path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    installed = sorted(pyenv.glob(f"{version}.*"), key=_release, reverse=True)
    yield from (str(folder / "bin" / "python") for folder in installed)
    yield f"/usr/bin/python{version}"


def _release(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder.name))


def _answers(candidate: str, version: str) -> bool:
    """Whether it runs (a shim of pyenv may not) and is the version wanted."""
    command = [candidate, "-c", ASK_VERSION]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    major, _, minor = version.partition(".")
    return done.returncode == 0 and done.stdout.split() == [major, minor, "CPython"]
