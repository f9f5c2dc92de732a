"""What pyproject.toml asks for, by extra, and what the lock file pins."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.processes import REPOSITORY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RUNNING = "running"
LOCK = REPOSITORY / "requirements-dev.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? *\\?$")

__all__ = ["LOCK", "RUNNING", "Pin", "read_declared", "read_lock"]


@dataclass
class Pin:
    """One line of the lock file.

    Attributes:
        name: in its canonical form.
        version: the only one that is taken.
        marker: where, None for everywhere.
        hashes: of the files that may be installed, ``sha256:`` and 64 hex digits.
    """

    name: str
    version: str
    marker: str | None
    hashes: list[str]


def read_declared() -> dict[str, list[Requirement]]:
    """Requirements by extra; those of the base install under :data:`RUNNING`.

    An extra that names others of this project (``mgca[train]``) holds theirs as well.
    """
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    own = project["name"]
    texts = {RUNNING: project["dependencies"], **project["optional-dependencies"]}

    def spread(extra: str) -> Iterator[Requirement]:
        for text in texts[extra]:
            requirement = Requirement(text)
            if requirement.name == own:
                for other in requirement.extras:
                    yield from spread(other)
            else:
                yield requirement

    return {extra: list(spread(extra)) for extra in texts}


def read_lock() -> list[Pin]:
    """The pins of requirements-dev.lock, in its order."""
    pins: list[Pin] = []
    for line in LOCK.read_text().splitlines():
        if found := _PIN.match(line):
            name, version, marker = found.groups()
            pins.append(Pin(canonicalize_name(name), version, marker, []))
        elif line.strip().startswith("--hash="):
            pins[-1].hashes.append(line.strip().removeprefix("--hash=").rstrip(" \\"))
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"'{LOCK.name}' has a line that is no pin: {line!r}")
    return pins
