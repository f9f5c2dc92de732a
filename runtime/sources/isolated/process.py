"""The process that decodes one source, as the run sees it: commands in, news and pictures out."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from runtime.errors import MgcaError
from runtime.sources.frame import log
from runtime.sources.isolated.child import FREE, STOP
from runtime.sources.isolated.failure import DecoderFailure, describe_end
from runtime.sources.isolated.memory import FrameReader, create_memory
from runtime.sources.plan import SourcePlan

# The run's own module path: the process finds what the run found, whatever the folder is.
BOOT = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from runtime.sources.isolated.child import main; main()"
)
POLL_S = 0.1
#: How long a process may take to leave before it is killed, and then to be gone.
LEAVE_S = 0.4
GONE_S = 1.0
READ_BYTES = 1 << 16
#: No news is longer, but for the list of a folder's images.
LONGEST_LINE = 256 << 20

__all__ = ["DecoderProcess"]


class DecoderProcess:
    """Starts the process; it knows what to read, and waits for commands.

    What is secret in the plan goes through a pipe: nobody sees it in a list of processes.

    Args:
        plan: what it reads.
        memory_bytes: how much memory of its own it may take.
        resumed: whether it takes the place of one that gave pictures.

    Raises:
        MgcaError: no process can be started.
    """

    def __init__(self, plan: SourcePlan, memory_bytes: int, resumed: bool = False) -> None:
        self._memory_bytes = memory_bytes
        self._waiting = bytearray()
        self._memory = create_memory()
        self._frames = FrameReader(self._memory)
        command = [sys.executable, "-c", BOOT, f"decoder of {plan.kind}", str(self._memory)]
        try:
            self._process = subprocess.Popen(
                [*command, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(self._memory,),
                start_new_session=True,  # the terminal's Ctrl-C is the run's
            )
        except OSError as error:
            os.close(self._memory)
            raise MgcaError(f"--isolate: no process can be started ({error.strerror})") from None
        told = {
            "kind": plan.kind,
            "values": plan.values,
            "memory_bytes": memory_bytes,
            "resumed": resumed,
            "level": log.getEffectiveLevel(),
        }
        self.send(json.dumps(told).encode() + b"\n")

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, command: bytes) -> None:
        """Send a command; one that cannot hear it any more will be found out by :meth:`receive`."""
        assert self._process.stdin is not None
        left = memoryview(command)
        with contextlib.suppress(OSError, ValueError):
            while left:
                left = left[self._process.stdin.write(left) or 0 :]

    def receive(self, limit_s: float, stop: threading.Event | None = None) -> dict[str, Any] | None:
        """The next piece of news; None with ``stop``.

        Raises:
            DecoderFailure: the process has ended, or gave no sign of life for so long.
        """
        heard_at = time.monotonic()
        while True:
            line = self._next_line()
            if line is None:
                if stop is not None and stop.is_set():
                    return None
                if self._read_pipe():
                    heard_at = time.monotonic()
                elif time.monotonic() - heard_at > limit_s:
                    self.end(at_once=True)
                    reason = f"its decoder's process gave no sign of life for {limit_s:g} s"
                    raise DecoderFailure("hung", reason)
                continue
            if line != b"{}":
                return self._understand(line)

    def read_frame(self, offset: int, shape: tuple[int, int]) -> np.ndarray:
        """A picture that the process has told of, as a copy; its place is given back.

        Raises:
            DecoderFailure: what was told makes no sense.
        """
        try:
            image_bgr = self._frames.read(offset, shape)
        except (ValueError, TypeError, OSError, OverflowError):
            raise self._nonsense() from None
        self.send(FREE)
        return image_bgr

    def end(self, at_once: bool = False) -> int | None:
        """End it, after a moment in which it may leave by itself; gives its exit code."""
        if self._memory < 0:
            return self._process.returncode
        if not at_once:
            self.send(STOP)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVE_S)
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a driver may hold on to it
            self._process.wait(GONE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._frames.close()
        os.close(self._memory)
        self._memory = -1
        return self._process.returncode

    def _next_line(self) -> bytes | None:
        end = self._waiting.find(b"\n")
        if end < 0:
            if len(self._waiting) > LONGEST_LINE:
                raise self._nonsense()
            return None
        line = bytes(self._waiting[:end])
        del self._waiting[: end + 1]
        return line

    def _read_pipe(self) -> bool:
        """Read what has come; False if nothing came for a moment."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(POLL_S * 1e3):
            return False
        chunk = os.read(descriptor, READ_BYTES)
        if not chunk:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GONE_S)
            raise describe_end(self.end(at_once=True))
        self._waiting += chunk
        return True

    def _understand(self, line: bytes) -> dict[str, Any]:
        try:
            news = json.loads(line)
        except ValueError:
            raise self._nonsense() from None
        if not isinstance(news, dict):
            raise self._nonsense()
        return news

    def _nonsense(self) -> DecoderFailure:
        self.end(at_once=True)
        return DecoderFailure("crashed", "its decoder's process speaks nonsense")

    def __del__(self) -> None:
        """Leave no process behind where nobody has closed the source."""
        if getattr(self, "_process", None) is not None and self._memory >= 0:
            self.end(at_once=True)
