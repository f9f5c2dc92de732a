"""Raw pictures through a real pipe: formats, ends in the middle, back-pressure, silence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sources import RawVideo
from runtime.sources.raw_video import RAW_FORMATS
from tests.support.clips import SIZE_WH, draw_scene
from tests.support.processes import ENGINE, Run, command_environment, started_processes
from tests.support.streams import LONG_S, wait_for_end

#: FFmpeg's name for those that have another one.
FFMPEG_NAMES = {
    "bgr": "bgr24", "rgb": "rgb24", "bgrx": "bgr0", "rgbx": "rgb0", "gray8": "gray",
    "i420": "yuv420p", "yuy2": "yuyv422", "uyvy": "uyvy422",
}  # fmt: skip
MODE = f"{SIZE_WH[0]}x{SIZE_WH[1]}"


def read_all(mode: str, content: bytes, **options: bool) -> list:
    """Everything that a source reads of a pipe into which this is written."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        return list(RawVideo(mode, descriptor=reading, **options).frames(threading.Event()))
    finally:
        wait_for_end(thread)
        os.close(reading)


@pytest.mark.parametrize("name", RAW_FORMATS)
def test_each_format_reads_as_ffmpeg_means_it(name: str) -> None:
    pictures = [draw_scene(index) for index in range(2)]
    content = b""
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        raw = frame.reformat(format=FFMPEG_NAMES.get(name, name))
        content += b"".join(bytes(plane) for plane in raw.planes)  # no row is filled up at 128
    frames = read_all(f"{MODE}@10:{name}", content)
    assert [frame.index for frame in frames] == [0, 1]
    assert [frame.time_s for frame in frames] == [0.0, 0.1]
    for frame, picture in zip(frames, pictures, strict=True):
        shown = picture if not name.startswith("gray") else to_gray(picture)
        inside = np.s_[:40, 8:-8]  # away from edges, where colors are shared
        off = np.abs(frame.image_bgr[inside].astype(int) - shown[inside])
        assert off.max() <= 4 and frame.image_bgr.flags.c_contiguous


def to_gray(picture: np.ndarray) -> np.ndarray:
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
    return frame.reformat(format="gray").reformat(format="bgr24").to_ndarray()


def test_an_end_within_a_picture_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    content = draw_scene(0).tobytes()
    assert len(read_all(MODE, content + content[:100])) == 1
    assert caplog.messages == [
        f"stdin ended within picture 1: 100 of its {len(content)} bytes came, it is left out; "
        "if that is a surprise, the size or the format is another one"
    ]


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(UserError, match="--stdin: nothing came"):
        read_all(MODE, b"")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("", "expected WxH@FPS:FORMAT"),
        ("640", "expected WxH@FPS:FORMAT"),
        ("64x48:", "expected WxH@FPS:FORMAT"),
        ("64x48:jpeg", "format jpeg is not known; give one of bgr24, bgr, rgb24"),
        ("65x48:nv12", "its sides are even"),
        ("64x47:i420", "its sides are even"),
        ("65x48:yuy2", "its sides are even"),
    ],
)
def test_a_mode_that_cannot_be_is_refused(mode: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        RawVideo(mode)


def test_a_width_may_be_odd_where_pixels_stand_alone() -> None:
    assert RawVideo("65x47:gray8").frame_bytes == 65 * 47
    assert RawVideo("64x47:yuy2").frame_bytes == 64 * 47 * 2


@pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be waited for there")
def test_a_pipe_that_falls_silent_is_told_and_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime.sources.reconnect.STALL_S", 0.5)
    reading, writing = os.pipe()
    os.write(writing, bytes(8 * 4 * 3))
    source, told, stop = RawVideo("8x4", True, descriptor=reading), [], threading.Event()

    def hear(kind: str, text: str, facts: dict) -> None:
        told.append(kind)
        if kind == "source-stalled":
            os.write(writing, bytes(8 * 4 * 3))
        else:
            stop.set()

    source.on_event = hear
    alarm = threading.Timer(LONG_S, stop.set)
    alarm.start()
    frames = list(source.frames(stop))  # nobody closes the pipe
    alarm.cancel()
    assert told == ["source-stalled", "source-back"] and len(frames) >= 1
    os.close(reading)
    os.close(writing)


def run_piped(content: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "runtime", *map(str, arguments)],
        input=content, capture_output=True, env=command_environment(), timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_command_takes_every_picture_of_a_pipe(color_bundle: Path, tmp_path: Path) -> None:
    content = b"".join(draw_scene(index).tobytes() for index in range(40))
    done = run_piped(
        content, "--stdin", f"{MODE}@20:bgr24", "--classes", "sky,tree,car", *ENGINE,
        "--bundle", color_bundle, "--jsonl", "-", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(40))
    assert lines[-1]["time_s"] == pytest.approx(39 / 20)
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["source"]["kind"], report["frames_dropped"]) == ("stdin", 0)


@pytest.mark.slow
def test_a_signal_ends_waiting_for_a_pipe(
    start_cli: Callable[..., subprocess.Popen[str]], color_bundle: Path
) -> None:
    with started_processes() as start:
        process = start(
            [sys.executable, "-m", "runtime", "--stdin", MODE, "--classes", "sky", *ENGINE,
             "--bundle", str(color_bundle), "--jsonl", "-"],
            env=command_environment(), stdin=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.buffer.write(draw_scene(0).tobytes())
        process.stdin.buffer.flush()
        assert json.loads(process.stdout.readline())["frame"] == 0
        process.terminate()
        assert process.wait(LONG_S) == 130


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg command")
def test_ffmpeg_can_be_piped_in(clip: Path, color_bundle: Path) -> None:
    decoded = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", clip, "-f", "rawvideo", "-pix_fmt", "bgr24", "-"],
        capture_output=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    done = run_piped(
        decoded, "--stdin", f"{MODE}@12", "--classes", "sky,tree,car", *ENGINE, "--bundle",
        color_bundle, "--jsonl", "-",
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) == 12
    assert lines[0]["classes"][0]["area"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
def test_a_closed_stdin_is_one_line(run_cli: Run) -> None:
    script = f"{sys.executable} -m runtime --stdin 8x8 --classes sky <&-"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=command_environment(),
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "stdin is closed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
