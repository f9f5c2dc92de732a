"""A copy of what a wheel is built from: a build leaves its traces there, not in the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("benchmarks", "export", "runtime", "training")
METADATA = ("pyproject.toml", "README.md", "LICENSE")


def copy_source(folder: Path) -> Path:
    """Copy the packages and their metadata into ``folder``; returns it."""
    leave = shutil.ignore_patterns("__pycache__", "*.pyc", "results")
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=leave)
    for name in METADATA:
        shutil.copy(REPOSITORY / name, folder / name)
    return folder
