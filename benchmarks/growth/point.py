"""The sizes of a sweep, each in a process of its own: its processor time and its memory.

What does not grow is loaded once, in a process that forks for each size: a size inherits what is
loaded, and nothing of another size.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
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


def measure_in_process(sweep: Sweep, sizes: Sequence[int], folder: Path) -> list[dict[str, float]]:
    """Start the process that loads and forks, and read what it found.

    Raises:
        MgcaError: with the process's last line.
    """
    listed = ",".join(map(str, sizes))
    command = [sys.executable, "-m", "benchmarks.growth", "--one", f"{sweep.name}:{listed}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--folder", str(folder)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise MgcaError((done.stderr.strip().splitlines() or ["the process failed"])[-1])
    found: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_here(sweep: Sweep, sizes: Sequence[int], folder: Path) -> list[dict[str, Any]]:
    """Stage and load here, prepare and work in a fork for each size.

    Returns:
        For each size ``size``; ``cpu_s``, the processor time of the work, all threads together,
        the least of ``repeats``; ``wall_s`` of the same; ``memory_mib``, the peak of resident
        memory (files apart) from the loaded state on, less what was resident then, the most of
        the repeats.

    Raises:
        MgcaError: a size failed, or this system does not say how much memory a process holds.
    """
    limit_arenas()
    for size in sizes:
        sweep.stage(folder, size)
    loaded = sweep.load(folder)
    trim_heap()
    return [_measure_size(sweep, loaded, size) for size in sizes]


def _measure_size(sweep: Sweep, loaded: Any, size: int) -> dict[str, Any]:
    """Each repeat in a fork of its own: a heap that is warm serves small sizes only."""
    runs: list[dict[str, float]] = []
    while not runs or (len(runs) < _REPEATS and runs[0]["cpu_s"] < _LONG_S):
        runs.append(_fork_once(sweep, loaded, size))
    least = min(runs, key=lambda run: run["cpu_s"])
    return {
        "size": size,
        "cpu_s": round(least["cpu_s"], 5),
        "wall_s": round(least["wall_s"], 5),
        "memory_mib": round(max(run["memory_mib"] for run in runs), 2),
        "repeats": len(runs),
    }


def _fork_once(sweep: Sweep, loaded: Any, size: int) -> dict[str, float]:
    forks = multiprocessing.get_context("fork")
    ours, theirs = forks.Pipe(duplex=False)
    process = forks.Process(target=_run_once, args=(sweep, loaded, size, theirs))
    process.start()
    theirs.close()
    try:
        found: dict[str, float] = ours.recv()
    except EOFError:
        raise MgcaError(f"{sweep.name} of {size:,} {sweep.counted} failed") from None
    finally:
        process.join()
    return found


def _run_once(sweep: Sweep, loaded: Any, size: int, told: Connection) -> None:
    before_mib = _restart_peak()
    work = sweep.prepare(loaded, size)
    started, busy = perf_counter(), process_time()
    work()
    cpu_s, wall_s = process_time() - busy, perf_counter() - started
    peak_mib = _read_mib("VmHWM") - _read_mib("RssFile")
    told.send({"cpu_s": cpu_s, "wall_s": wall_s, "memory_mib": peak_mib - before_mib})


def _restart_peak() -> float:
    """Forget the peak of memory so far; MiB of the heap and the like that are resident now.

    Pages of files, such as libraries, do not count: a fork begins without most of them.
    """
    try:
        _CLEAR_REFS.write_text("5")
    except OSError as error:
        raise MgcaError(f"the peak of memory cannot be reset here ({error}); use Linux") from None
    return _read_mib("RssAnon")


def _read_mib(name: str) -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise MgcaError(f"this system does not say {name} of a process; use Linux")
