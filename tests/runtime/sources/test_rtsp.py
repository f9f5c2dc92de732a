"""Network cameras: RTSP over TCP against a real server, with breaks and passwords."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import SourceGoneError, UserError
from runtime.sources import StreamSource
from tests.support.clips import draw_scene
from tests.support.rtsp_server import RtspServer


def take(source: StreamSource, count: int) -> list:
    stop = threading.Event()
    alarm = threading.Timer(30, stop.set)
    alarm.start()
    frames = []
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    alarm.cancel()
    return frames


def test_frames_come_and_come_back_after_a_break(camera_clip: Path) -> None:
    with RtspServer(camera_clip, frames=25) as server:
        source = StreamSource(server.url)
        frames = take(source, 40)
    assert len(frames) == 40 and source.live and source.reconnects >= 1 and server.sessions >= 2
    assert [frame.index for frame in frames] == list(range(40))
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(times_s)
    assert np.abs(frames[0].image_bgr.astype(int) - draw_scene(0)).mean() < 10


def test_password_in_the_address(camera_clip: Path) -> None:
    with RtspServer(camera_clip, frames=30, password="secret") as server:
        address = server.url.replace("rtsp://", "rtsp://user:secret@")
        assert len(take(StreamSource(address), 5)) == 5
        wrong = server.url.replace("rtsp://", "rtsp://user:wrong@")
        with pytest.raises(UserError, match="refuses access") as caught:
            take(StreamSource(wrong), 1)
        assert "wrong" not in str(caught.value)


@pytest.mark.slow
def test_a_frozen_camera_is_away(camera_clip: Path, caplog) -> None:
    """PyAV 18.1 raises InvalidDataError over RTSP where its time-out ran out."""
    frames = []
    with RtspServer(camera_clip, frames=25, freezes=True) as server, caplog.at_level("WARNING"):
        source = StreamSource(server.url, reconnect_timeout_s=2.0)
        with pytest.raises(SourceGoneError, match="has not come back within 2 s"):
            for frame in source.frames(threading.Event()):
                frames.append(frame)
    assert frames
    assert "no answer in time" in caplog.text and "Invalid data" not in caplog.text


def test_a_camera_that_never_answers_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam"
        with pytest.raises(SourceGoneError, match="no answer in time"):
            take(StreamSource(address, reconnect_timeout_s=1.0), 1)
