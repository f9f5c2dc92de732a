"""Network cameras: RTSP over TCP against a real server, with breaks and passwords."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import UserError
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
