"""Network cameras: RTSP over TCP against a real server, with breaks and passwords."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from clips import draw_scene, write_clip
from processes import ENGINE, Run
from rtsp_server import RtspServer

from runtime.errors import UserError
from runtime.sources import StreamSource


@pytest.fixture(scope="module")
def camera_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a camera encodes: no B-frames, a key frame (with its parameters) twice a second."""
    path = tmp_path_factory.mktemp("rtsp") / "cam.h264"
    options = {"g": "10", "bf": "0", "x264-params": "repeat-headers=1"}
    return write_clip(path, 60, fps=20, options=options)


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


def test_the_command_survives_a_break_and_reports_it(
    run_cli: Run, camera_clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    with RtspServer(camera_clip, frames=25) as server:
        done = run_cli(
            "--video", server.url, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
            "--report", tmp_path / "r.json", "--jsonl", tmp_path / "a.jsonl", "--max-frames", 30,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "broke off" in done.stderr and "is back" in done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["reconnects"] >= 1 and record["source"]["live"]
    assert record["frames_processed"] == 30
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 30


def test_a_camera_that_stays_away_ends_with_3_and_whole_outputs(
    run_cli: Run, camera_clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    from clips import read_video

    with RtspServer(camera_clip, frames=30, most=1) as server:
        done = run_cli(
            "--video", server.url, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
            "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json",
            "--reconnect-timeout", 3, "--max-frames", 10_000,
        )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "has not come back within 3 s" in done.stderr.splitlines()[-1]
    count = json.loads((tmp_path / "r.json").read_text())["frames_processed"]
    assert count > 0 and len(read_video(tmp_path / "o.mp4")[0]) == count
