"""Where a figure was measured: processor, cores, and the versions of what ran."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "mgca",
    "numpy",
    "opencv-python",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "tensorrt",
    "av",
    "tokenizers",
)


def describe_hardware() -> dict[str, str | int]:
    """Processor name, architecture, cores this process may use, memory in MiB, system."""
    return {
        "cpu": cpu_name(),
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "memory_mib": _memory_mib(),
        "system": f"{platform.system()} {platform.release()}",
    }


def describe_versions(*more: str) -> dict[str, str]:
    """Version of Python and of each package that is installed and can matter to a figure.

    Args:
        more: distributions beside :data:`PACKAGES`.
    """
    return {"python": platform.python_version(), **installed_versions((*PACKAGES, *more))}


def installed_versions(names: Sequence[str]) -> dict[str, str]:
    """Version of each package (by the name pip knows) that is installed; others are left out."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's name as the system tells it, such as ``AMD EPYC 7B13``."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for key in ("model name", "Model", "Hardware"):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return platform.processor() or platform.machine()


def _memory_mib() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, OSError, ValueError):
        return 0
