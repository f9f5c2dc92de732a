"""The line that installs a package in a version that this project takes."""

from __future__ import annotations

import re
from importlib import metadata

__all__ = ["install_line", "requirement"]


def install_line(package: str, *, again: bool = False) -> str:
    """Such as ``pip install 'av>=17'``, with the bound that this installation declares.

    ``again`` installs a package anew that is there and broken.
    """
    force = "--force-reinstall " if again else ""
    return f"pip install {force}'{requirement(package)}'"


def requirement(package: str) -> str:
    """A package with the bound on its version, as pip takes it; without one where none is known."""
    try:
        declared = metadata.requires("mgca") or []
    except metadata.PackageNotFoundError:  # run from its source
        declared = []
    for line in declared:
        match = re.fullmatch(r"([\w.-]+)\s*([^;]*?)\s*(;.*)?", line)
        if match is not None and match[1].lower() == package:
            return f"{package}{match[2]}"
    return package
