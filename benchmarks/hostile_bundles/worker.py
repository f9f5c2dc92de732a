"""A process for each case, held to its memory, its time and its files; Linux."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hostile_bundles.trial import End

__all__ = ["Limits", "Outcome", "run_apart"]


@dataclass(frozen=True)
class Limits:
    """What a case may take.

    Attributes:
        memory_mib: address space beyond what the libraries have when it begins.
        seconds: of the processor; by the clock it may be ten times as long, for a busy machine.
    """

    memory_mib: int = 2048
    seconds: float = 20.0

    @property
    def clock_s(self) -> float:
        """The longest time by the clock."""
        return 10 * self.seconds


@dataclass(frozen=True)
class Outcome:
    """A case's end, the most memory that its process held in MiB, and its seconds."""

    end: End
    peak_rss_mib: float
    seconds: float
    cpu_s: float


def run_apart(trial: Callable[[], End], limits: Limits, output: Path) -> Outcome:
    """Run a trial in a child process; whatever becomes of it, say how it ended.

    Args:
        trial: runs in the child, which has this process's modules loaded already.
        limits: of memory and time.
        output: file that takes what the child prints.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    began = time.monotonic()
    with warnings.catch_warnings():
        # numpy's idle threads are not in the child; nothing in the parent has computed with them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reader)
        _be_child(trial, limits, output, writer)
    os.close(writer)
    told = _read_all(reader, began + limits.clock_s)
    os.close(reader)
    if told is None:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    seconds, cpu_s = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    return Outcome(_end_of(told, status, limits), usage.ru_maxrss / 1024, seconds, cpu_s)


def _be_child(trial: Callable[[], End], limits: Limits, output: Path, writer: int) -> None:
    """Run the trial, tell its end through the pipe, and be gone without any clean-up."""
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = _address_space() + (limits.memory_mib << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        seconds = int(limits.seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        end = trial()
        os.write(writer, json.dumps(end.to_json()).encode()[:60_000])
        sys.stdout.flush()
    finally:
        os._exit(0)


def _end_of(told: bytes | None, status: int, limits: Limits) -> End:
    if told is None:
        return End("over time", f"more than {limits.clock_s:g} s")
    if told:
        return End(**json.loads(told))
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        kind = "over time" if number in (signal.SIGXCPU, signal.SIGKILL) else "crash"
        return End(kind, signal.Signals(number).name)
    return End("crash", f"the process left with status {status} and said nothing")


def _read_all(reader: int, until: float) -> bytes | None:
    """What the child tells before it closes the pipe; None if that takes too long."""
    pieces: list[bytes] = []
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return None
        piece = os.read(reader, 65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
