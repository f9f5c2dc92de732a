"""The timer of a live source: a break is told, the end of the run is not one."""

from __future__ import annotations

import threading

import pytest

from runtime.errors import SourceGoneError
from runtime.sources.reconnect import ReconnectTimer


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
