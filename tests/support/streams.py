"""Sources and sinks made for tests of the pipeline: scenes at a pace, an output that keeps all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runtime.errors import MgcaError
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sources import Frame, Source
from tests.support.clips import draw_scene

#: Long enough for the busiest machine; nothing waits so long unless it is broken.
LONG_S = 20.0


def wait_for(event: threading.Event) -> None:
    """Wait for what must come."""
    assert event.wait(LONG_S), "it has not come"


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what must come true."""
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.02)


def wait_for_end(*threads: threading.Thread) -> None:
    """Wait for threads that must end; make them daemons, or one that hangs keeps the process."""
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive(), f"{thread.name} has not ended"


class Keeper(Sink):
    """Keeps what it is given; may be slow, or break; ``before`` runs at each write."""

    key = "keeper"

    @dataclass(frozen=True)
    class Options:
        pass

    def __init__(
        self,
        pause_s: float = 0.0,
        break_at: int | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self.items: list[SegmentedFrame] = []
        self.pause_s = pause_s
        self.break_at = break_at
        self.before = before
        self.closed = 0
        self.threads: set[str] = set()

    @property
    def indices(self) -> list[int]:
        return [item.frame.index for item in self.items]

    @classmethod
    def from_options(cls, options: Any) -> Keeper:
        return cls()

    def check(self, claims: object) -> None:
        pass

    def write(self, item: SegmentedFrame) -> None:
        self.threads.add(threading.current_thread().name)
        if len(self.items) == self.break_at:
            raise MgcaError("the disk is full")
        self.before()
        time.sleep(self.pause_s)
        self.items.append(item)

    def close(self) -> None:
        self.closed += 1


class OtherKeeper(Keeper):
    """The same under another name."""

    key = "other_keeper"


class Scenes(Source):
    """Drawn scenes at a pace, live or not, that may end with an error."""

    def __init__(
        self,
        count: int,
        *,
        live: bool = False,
        pause_s: float = 0.0,
        error: Exception | None = None,
        after: Callable[[int], object] = lambda index: None,
    ) -> None:
        super().__init__("scenes")
        self.live, self.count, self.pause_s, self.error = live, count, pause_s, error
        self.after = after
        self.captured = 0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for index in range(self.count):
            if stop.is_set():
                return
            time.sleep(self.pause_s)
            image_bgr, now = draw_scene(index), time.perf_counter()
            self.captured += 1
            yield Frame(index, index * self.pause_s, image_bgr, f"{index:06d}", 1.0, now)
            self.after(index)
        if self.error is not None:
            raise self.error
