"""The machine itself: processor and what it computes in, memory, system, Python, JetPack."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

from runtime.backends.abilities import computes_bfloat16, computes_half, cpu_abilities
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, missing, ok
from runtime.environment import describe_hardware

_TEGRA = Path("/etc/nv_tegra_release")

__all__ = ["describe_tegra", "examine"]


def examine() -> list[Finding]:
    """Processor, its abilities, Python, and JetPack where this is a Jetson."""
    return ask("processor", look)


def look() -> list[Finding]:
    """The same, in this process."""
    hardware = describe_hardware()
    cores, memory_mib = int(hardware["cores"]), int(hardware["memory_mib"])
    return [
        ok(
            "processor",
            f"{hardware['cpu']}, {cores} core{'' if cores == 1 else 's'}, "
            f"{hardware['architecture']}, {memory_mib / 1024:.1f} GiB of memory",
            **hardware,
        ),
        _abilities(),
        ok("system", f"{hardware['system']}, Python {platform.python_version()}"),
        _jetpack(),
    ]


def _abilities() -> Finding:
    flags = list(cpu_abilities())
    values = {"flags": flags, "bfloat16": computes_bfloat16(), "float16": computes_half()}
    if not flags:
        return missing("abilities", "the system does not list the processor's flags", **values)
    fast = [name for name in ("bfloat16", "float16") if values[name]]
    products = f"products in {' and '.join(fast)}" if fast else "no products in 16 bits"
    return ok("abilities", f"{' '.join(flags)} ({products})", **values)


def _jetpack() -> Finding:
    try:
        release = describe_tegra(_TEGRA.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return missing("JetPack", "this is no Jetson")
    version = _package_version("nvidia-jetpack")
    jetpack = f"JetPack {version}, " if version else ""
    return ok("JetPack", f"{jetpack}Jetson Linux {release}", jetpack=version, l4t=release)


def describe_tegra(text: str) -> str:
    """The release of Jetson Linux out of ``/etc/nv_tegra_release``.

    >>> describe_tegra("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic")
    '36.4.3'
    """
    match = re.search(r"R(\d+) .*?REVISION: ([\d.]+)", text)
    return f"{match[1]}.{match[2]}" if match else "of an unknown release"


def _package_version(name: str) -> str | None:
    """A Debian package's version; None where it is not installed (JetPack's may be absent)."""
    try:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", name],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
