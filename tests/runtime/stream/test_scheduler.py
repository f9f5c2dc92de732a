"""Whose frame is next: nobody starves, the oldest goes first, an idle stream costs nothing."""

from __future__ import annotations

import threading

import pytest

from runtime.stream.scheduler import Scheduler


class Waiting:
    """A stream whose next frame, once served, is the one ``ages`` says (None: none waits)."""

    def __init__(self, name: str, since: list[float | None], served: list[str]) -> None:
        self.name, self.since, self.served = name, since, served

    def waiting_since(self) -> float | None:
        return self.since[0] if self.since else None

    def infer_next(self) -> None:
        self.since.pop(0)
        self.served.append(self.name)

    def end_if_exhausted(self) -> bool:
        return not self.since


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ({"a": [1.0, 2.0, 3.0]}, "aaa"),
        ({"a": [3.0], "b": [1.0], "c": [2.0]}, "bca"),  # the oldest first
        ({"file": [0.0] * 4, "camera": [9.0] * 4}, "file camera " * 4),  # an old queue takes turns
        ({"a": [1.0] * 3, "b": [2.0, 2.0], "c": [3.0]}, "abcaba"),
    ],
)
def test_streams_take_turns(since: dict[str, list[float | None]], expected: str) -> None:
    served: list[str] = []
    streams = [Waiting(name, list(times), served) for name, times in since.items()]
    Scheduler(streams).run()
    assert served == (expected.split() if " " in expected else list(expected))


def test_a_stream_that_has_nothing_is_passed_over() -> None:
    served: list[str] = []
    idle, busy = Waiting("idle", [None], served), Waiting("busy", [1.0, 2.0], served)
    scheduler = Scheduler([idle, busy])
    thread = threading.Thread(target=scheduler.run, daemon=True)
    thread.start()
    while len(served) < 2:
        thread.join(0.001)
    idle.since[:] = [5.0]
    scheduler.wake()
    thread.join(20)
    assert served == ["busy", "busy", "idle"] and not thread.is_alive()
