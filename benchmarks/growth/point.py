"""One size of a sweep, in a process of its own: its processor time and the memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.growth.sweep import Sweep
from runtime.errors import MgcaError
from runtime.heap import limit_arenas, trim_heap

# Work of less than so many seconds is done again, and the least time counts.
_LONG_S = 1.0
_REPEATS = 3
_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")

__all__ = ["measure_here", "measure_in_process"]


def measure_in_process(sweep: Sweep, size: int, folder: Path) -> dict[str, float]:
    """Start the process and read what it found.

    Raises:
        MgcaError: with the process's last line.
    """
    command = [sys.executable, "-m", "benchmarks.growth", "--one", f"{sweep.name}:{size}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--folder", str(folder)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise MgcaError((done.stderr.strip().splitlines() or ["the process failed"])[-1])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_here(sweep: Sweep, size: int, folder: Path) -> dict[str, Any]:
    """Stage, load, prepare, work.

    Returns:
        ``size``; ``cpu_s``, the processor time of the work, all threads together, the least of
        ``repeats``; ``wall_s`` of the same; ``memory_mib``, the peak of resident memory from the
        loaded state on, less what was resident then.

    Raises:
        MgcaError: this system does not say how much memory a process holds.
    """
    limit_arenas()
    sweep.stage(folder, size)
    loaded = sweep.load(folder)
    trim_heap()
    before_mib = _restart_peak()
    times: list[tuple[float, float]] = []
    peak_mib = before_mib
    while not times or (len(times) < _REPEATS and times[0][0] < _LONG_S):
        work = sweep.prepare(loaded, size)
        started, busy = perf_counter(), process_time()
        work()
        times.append((process_time() - busy, perf_counter() - started))
        peak_mib = peak_mib if len(times) > 1 else _read_mib("VmHWM")
    cpu_s, wall_s = min(times)
    return {
        "size": size,
        "cpu_s": round(cpu_s, 5),
        "wall_s": round(wall_s, 5),
        "memory_mib": round(peak_mib - before_mib, 2),
        "repeats": len(times),
    }


def _restart_peak() -> float:
    """Forget the peak of memory so far; MiB that are resident now."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError as error:
        raise MgcaError(f"the peak of memory cannot be reset here ({error}); use Linux") from None
    return _read_mib("VmRSS")


def _read_mib(name: str) -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise MgcaError(f"this system does not say {name} of a process; use Linux")
