"""The timer of a live source: a break is told, the end of the run is not one."""

from __future__ import annotations

import threading

import pytest

from runtime.errors import SourceGoneError
from runtime.sources.reconnect import (
    LEAST_OF_PAUSE,
    LONGEST_PAUSE_S,
    ReconnectTimer,
    StalledError,
)


def seen(timeout_s: float | None = None) -> ReconnectTimer:
    timer = ReconnectTimer("stream rtsp://host/live", timeout_s)
    timer.seen_frame()
    return timer


def test_a_break_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    timer = seen()
    for _ in range(2):
        timer.wait(threading.Event(), OSError("no route"))
    assert caplog.messages == ["stream rtsp://host/live broke off (no route); trying again"]
    assert timer.seen_frame()
    timer.wait(threading.Event(), None)
    assert len(caplog.messages) == 2 and "it ended" in caplog.messages[1]


def test_the_end_of_a_run_is_no_break(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    stop.set()
    seen().wait(stop, None)
    seen(timeout_s=0).wait(stop, None)
    assert caplog.messages == []


def test_a_run_that_ends_in_the_pause_says_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C reaches a camera's program of the same terminal too: its stream ends first."""
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda _s: stop.set() or True)
    seen().wait(stop, OSError("reset"))
    assert caplog.messages == []


def test_a_source_that_stays_away_is_gone() -> None:
    with pytest.raises(SourceGoneError, match="has not come back within 0 s"):
        seen(timeout_s=0).wait(threading.Event(), None)
    with pytest.raises(SourceGoneError, match="has not appeared within 0 s"):
        ReconnectTimer("camera 0", 0).wait(threading.Event(), None)


class Told(list):
    """Keeps the kinds and facts that a timer tells."""

    def __call__(self, kind: str, text: str, **facts: object) -> None:
        self.append((kind, facts))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self]


def test_each_state_is_told_once_with_how_long_the_source_was_away() -> None:
    told, stop = Told(), threading.Event()
    timer = ReconnectTimer("camera 0", 60, told)
    for _ in range(2):
        timer.wait(stop, OSError("no such camera"))
    timer.seen_frame()
    timer.seen_frame()
    for reason in (StalledError("no answer in time"), OSError("busy"), OSError("busy")):
        timer.wait(stop, reason)
    timer.seen_frame()
    assert told.kinds == [
        "source-lost", "source-back", "source-stalled", "source-lost", "source-back",
    ]  # fmt: skip
    assert told[0][1] == {"reason": "no such camera"} and told[3][1] == {"reason": "busy"}
    assert 0 < told[1][1]["away_s"] < 20


def test_one_that_is_gone_for_good_was_told_to_be_lost() -> None:
    told = Told()
    with pytest.raises(SourceGoneError):
        ReconnectTimer("camera 0", 0, told).wait(threading.Event(), None)
    assert told == [("source-lost", {"reason": "it ended"})]


def test_pauses_grow_to_a_cap_and_differ() -> None:
    pauses: list[list[float]] = []
    for _ in range(20):
        stop = Pauses()
        timer = seen()
        for _ in range(12):
            timer.wait(stop, OSError("no"))
        pauses.append(stop.pauses_s)
    for taken in pauses:
        assert max(taken) <= LONGEST_PAUSE_S and min(taken[8:]) > 2 * taken[0]
        assert min(taken[8:]) >= LONGEST_PAUSE_S * LEAST_OF_PAUSE
    assert len({round(taken[-1], 6) for taken in pauses}) > 10


class Pauses(threading.Event):
    """Notes how long it is waited for, and lets nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses_s.append(timeout)
        return False


def test_what_came_before_the_first_attempt_does_not_count() -> None:
    timer = ReconnectTimer("camera 0", 5)
    timer._last_seen -= 60
    assert timer.away_s > 5
    timer.begin()
    assert timer.away_s < 5
