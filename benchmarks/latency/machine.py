"""Whether the machine was steady while frames were timed: load, other programs, frequency."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.environment import usable_cores

#: Standard deviation of the graph's time as a share of its mean; the graph does the same each time.
MOST_VARIATION = 0.10
#: Load average before the start, for each core.
MOST_LOAD = 0.5
#: Cores that other programs may keep busy meanwhile.
MOST_OTHER_CORES = 0.25
#: Share of the time that a hypervisor may take away.
MOST_STOLEN = 0.02
#: By how much the frequency may change from beginning to end.
MOST_FREQUENCY_CHANGE = 0.10


@dataclass(frozen=True)
class MachineState:
    """What the system tells at one moment; None where it does not.

    Attributes:
        at_s: ``time.perf_counter``.
        load_average: runnable programs, mean of the last minute.
        frequency_mhz: mean of the cores that this process may use.
        busy_s: what those cores have worked since the start of the system, in core seconds.
        stolen_s: what a hypervisor has taken from them.
        own_s: what this process has worked.
    """

    at_s: float
    load_average: float | None
    frequency_mhz: float | None
    busy_s: float | None
    stolen_s: float | None
    own_s: float


def read_state() -> MachineState:
    """The state of the machine now."""
    busy_s, stolen_s = _core_seconds()
    return MachineState(
        at_s=time.perf_counter(),
        load_average=_load_average(),
        frequency_mhz=_frequency_mhz(),
        busy_s=busy_s,
        stolen_s=stolen_s,
        own_s=time.process_time(),
    )


def judge(
    load_before: float | None, start: MachineState, end: MachineState, variation: float
) -> dict[str, Any]:
    """What is recorded of the machine, and why it was not steady if it was not.

    Args:
        load_before: load average before this command began to work.
        start: when the first frame was timed, after the warm-up.
        end: when the last one was.
        variation: of the graph's times, standard deviation / mean.

    Returns:
        ``steady``, ``reasons`` (texts, empty if steady), ``load_average`` and ``frequency_mhz``
        (before and after), ``other_programs_cores`` and ``stolen_share``.
    """
    cores = usable_cores()
    others, stolen = _taken_by_others(start, end, cores)
    reasons = []
    if variation > MOST_VARIATION:
        reasons.append(
            f"the graph's time varies by {variation:.0%} of its mean (steady: {MOST_VARIATION:.0%})"
        )
    if load_before is not None and load_before > MOST_LOAD * cores:
        reasons.append(
            f"the load average was {load_before:.1f} on {cores} cores before the start "
            f"(steady: {MOST_LOAD * cores:.1f})"
        )
    if others is not None and others > MOST_OTHER_CORES:
        reasons.append(
            f"other programs kept {others:.2f} cores busy meanwhile (steady: {MOST_OTHER_CORES})"
        )
    if stolen is not None and stolen > MOST_STOLEN:
        reasons.append(
            f"the host took {stolen:.1%} of the time for others (steady: {MOST_STOLEN:.0%})"
        )
    before, after = start.frequency_mhz, end.frequency_mhz
    if before and after and abs(after / before - 1) > MOST_FREQUENCY_CHANGE:
        reasons.append(f"the processor's frequency went from {before:.0f} to {after:.0f} MHz")
    return {
        "steady": not reasons,
        "reasons": reasons,
        "load_average": [load_before, end.load_average],
        "frequency_mhz": [before, after],
        "other_programs_cores": None if others is None else round(others, 3),
        "stolen_share": None if stolen is None else round(stolen, 4),
    }


def warning_of(record: Mapping[str, Any]) -> str | None:
    """One line about a machine that was not steady; None if it was."""
    if record["steady"]:
        return None
    return (
        f"warning: the machine was not steady: {'; '.join(record['reasons'])}. Close other "
        "programs, measure for longer (--duration), or compare in one run (--against)"
    )


def _taken_by_others(
    start: MachineState, end: MachineState, cores: int
) -> tuple[float | None, float | None]:
    """Mean cores that other programs used, and the share of all time that the host took."""
    wall_s = end.at_s - start.at_s
    if start.busy_s is None or end.busy_s is None or wall_s <= 0 or end.busy_s == start.busy_s:
        return None, None
    others_s = end.busy_s - start.busy_s - (end.own_s - start.own_s)
    stolen_s = (end.stolen_s or 0.0) - (start.stolen_s or 0.0)
    return max(0.0, others_s / wall_s), stolen_s / (wall_s * cores)


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _usable() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _core_seconds() -> tuple[float | None, float | None]:
    """Core seconds of work and of steal on the usable cores, from Linux's ``/proc/stat``."""
    names = {f"cpu{number}" for number in _usable()}
    try:
        ticks_per_s = os.sysconf("SC_CLK_TCK")
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        rows = [line.split() for line in lines if line.split(" ", 1)[0] in names]
        # user nice system idle iowait irq softirq steal
        columns = [[int(value) for value in row[1:9]] for row in rows]
        busy = sum(sum(row[:3]) + row[5] + row[6] for row in columns)
        stolen = sum(row[7] for row in columns)
    except (AttributeError, OSError, ValueError, IndexError):
        return None, None
    return (busy / ticks_per_s, stolen / ticks_per_s) if rows else (None, None)


def _frequency_mhz() -> float | None:
    """Mean frequency of the usable cores, from Linux's cpufreq, else from ``/proc/cpuinfo``."""
    root = Path("/sys/devices/system/cpu")
    try:
        files = [root / f"cpu{number}/cpufreq/scaling_cur_freq" for number in _usable()]
        found = [int(file.read_text()) / 1000 for file in files]
    except (OSError, ValueError):
        found = _told_by_cpuinfo()
    return round(sum(found) / len(found), 1) if found else None


def _told_by_cpuinfo() -> list[float]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    except (OSError, ValueError):
        return []
