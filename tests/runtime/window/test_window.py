"""``--show`` on a real X server: it opens, at the right size, and every way to end it ends the run.

Every run imports PyAV before OpenCV, the order in which a window in the run's own process never
opens and no signal is heard (PyAV 18.1.0 and opencv-python 5.0.0 from PyPI; gdb shows Qt in
``xcb_wait_for_reply`` of PyAV's libxcb, called by PyAV's libxcb-shm, whose hashed name is the same
as OpenCV's).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.clips import draw_scene, write_long_clip
from tests.support.processes import (
    ENGINE,
    command_environment,
    started_processes,
    without_progress,
)
from tests.support.rtsp_server import RtspServer
from tests.support.screen import LONG_S, Screen, missing_programs, wait_until
from tests.support.web import QuietHandler, serve_http

TITLE = "mgca-rt"
PYAV_FIRST = "import av, cv2, sys; from runtime.cli.entry import main; sys.exit(main(sys.argv[1:]))"
START = {
    "PyAV first": [sys.executable, "-c", PYAV_FIRST],
    "-m runtime": [sys.executable, "-m", "runtime"],
}
ENDS: dict[str, tuple[Callable[[Screen, int, subprocess.Popen[str]], None], int]] = {
    "q": (lambda screen, window, run: press_until_closed(screen, window, "q"), 0),
    "Escape": (lambda screen, window, run: press_until_closed(screen, window, "Escape"), 0),
    "its button": (lambda screen, window, run: screen.close(window), 0),
    "another program": (lambda screen, window, run: screen.destroy(window), 0),
    "xkill": (lambda screen, window, run: screen.cut_off(window), 0),
    "Ctrl-C": (lambda screen, window, run: run.send_signal(signal.SIGINT), 130),
    "SIGTERM": (lambda screen, window, run: run.send_signal(signal.SIGTERM), 130),
}
QUICK = {("images", "its button")}
slow = pytest.mark.slow

pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"needs {', '.join(missing_programs())} (apt-get install)"
)


@pytest.fixture
def screen() -> Iterator[Screen]:
    with Screen() as running:
        yield running


@pytest.fixture
def show(screen: Screen, color_bundle: Path, tmp_path: Path) -> Iterator[Callable[..., object]]:
    """Start ``mgca-rt --show`` on the screen; gives its process, which is killed at the end."""
    with started_processes() as start_process:

        def start(*arguments: object, by: str = "PyAV first") -> subprocess.Popen[str]:
            command = [
                *START[by], *map(str, arguments), "--show", "--bundle", str(color_bundle), *ENGINE,
                "--classes", "sky,tree,car", "--background", "none",
            ]  # fmt: skip
            display = {**command_environment(), "DISPLAY": screen.display}
            return start_process(command, cwd=tmp_path, env=display)

        yield start


@pytest.fixture(scope="module")
def endless_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of pictures: no test waits for its end."""
    path = tmp_path_factory.mktemp("window") / "long.mkv"
    return write_long_clip(path, 54_000, size_wh=(64, 48))


@pytest.fixture
def camera() -> Iterator[str]:
    """The address of an HTTP camera that sends pictures until nobody looks."""
    jpeg = cv2.imencode(".jpg", draw_scene(0))[1].tobytes()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                while True:
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    time.sleep(0.03)
            except OSError:
                pass  # the reader went away

    with serve_http(Handler) as address:
        yield f"{address}/live"


def wait_for_window(screen: Screen, process: subprocess.Popen[str]) -> int:
    """The run's window, once it is there."""

    def look() -> int | None:
        assert process.poll() is None, process.communicate(timeout=60)
        return screen.find_window(TITLE)

    wait_until(look, "the window")
    window = look()
    assert window is not None
    return window


def press_until_closed(screen: Screen, window: int, key: str) -> None:
    """As a person would: on a busy machine, Qt 5.15.19 loses an event now and then."""

    def press() -> bool:
        screen.press(window, key)
        return screen.size_wh(window) == (0, 0)

    wait_until(press, f"the end of the window by {key}")


def write_images(folder: Path, *sizes_wh: tuple[int, int]) -> Path:
    folder.mkdir()
    for index, size_wh in enumerate(sizes_wh):
        cv2.imwrite(str(folder / f"{index}.png"), draw_scene(index, size_wh))
    return folder


def find_window_processes(parent: int) -> list[int]:
    """The children of a process."""
    command = ["ps", "-o", "pid=", "--ppid", str(parent)]
    listed = subprocess.run(command, capture_output=True, timeout=60)
    return [int(number) for number in listed.stdout.split()]


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        pytest.param(kind, how, marks=() if (kind, how) in QUICK else slow)
        for kind in ("video", "stream", "images")
        for how in ENDS
    ],
)
def test_every_end_of_every_source(
    kind: str, how: str, screen: Screen, show, endless_clip: Path, camera: str, tmp_path: Path
) -> None:
    source = {
        "video": ["--video", endless_clip],
        "stream": ["--video", camera],
        "images": ["--images", write_images(tmp_path / "pictures", (96, 64), (96, 64))],
    }[kind]
    process = show(*source, "--jsonl", "a.jsonl", "--report", "r.json")
    window = wait_for_window(screen, process)
    end, code = ENDS[how]
    end(screen, window, process)
    _, stderr = process.communicate(timeout=LONG_S)
    assert (process.returncode, without_progress(stderr)) == (code, "")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["status"] == ("interrupted" if code else "done")
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    dropped = report["outputs"]["jsonl"]["dropped"]  # on a busy machine, of a live stream
    assert len(lines) + dropped == report["frames_processed"] >= 1
    assert kind == "stream" or dropped == 0


@slow
def test_images_wait_for_the_one_who_looks(screen: Screen, show, tmp_path: Path) -> None:
    """All are written, the last stays until it is closed, and the run ends then."""
    process = show(
        "--images", write_images(tmp_path / "p", (96, 64), (80, 60)), "--jsonl", "a.jsonl"
    )
    window = wait_for_window(screen, process)
    wait_until(lambda: screen.size_wh(window) == (80, 60), "the second image")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2
    press_until_closed(screen, window, "q")
    process.communicate(timeout=LONG_S)
    assert process.returncode == 0


@slow
def test_a_video_ends_by_itself(show, clip: Path) -> None:
    process = show("--video", clip, by="-m runtime")
    _, stderr = process.communicate(timeout=LONG_S)
    assert (process.returncode, without_progress(stderr)) == (0, "")


@slow
@pytest.mark.parametrize(
    ("size_wh", "expected_wh"),
    [
        ((500, 300), (500, 300)),
        ((1600, 600), (720, 270)),
        ((400, 1080), (200, 540)),
        ((9, 7), None),
    ],
)
def test_the_window_has_the_frames_size(
    size_wh: tuple[int, int], expected_wh: tuple[int, int] | None, screen: Screen, show, tmp_path
) -> None:
    """Nine tenths of a screen of 800 x 600 at most; a tiny frame may get more than its size."""
    process = show("--images", write_images(tmp_path / "pictures", size_wh))
    window = wait_for_window(screen, process)
    if expected_wh is not None:
        wait_until(lambda: screen.size_wh(window) == expected_wh, f"the size {expected_wh}")
    press_until_closed(screen, window, "q")
    process.communicate(timeout=LONG_S)
    assert process.returncode == 0


@slow
def test_keys_count_while_a_camera_is_silent(screen: Screen, show, camera_clip: Path) -> None:
    with RtspServer(camera_clip, frames=5, freezes=True) as server:
        process = show("--video", server.url)
        press_until_closed(screen, wait_for_window(screen, process), "q")
        process.communicate(timeout=LONG_S)
    assert process.returncode == 0


@slow
def test_a_signal_ends_a_window_that_hangs(screen: Screen, show, endless_clip: Path) -> None:
    process = show("--video", endless_clip)
    wait_for_window(screen, process)
    for child in find_window_processes(process.pid):
        os.kill(child, signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG_S)
    assert process.returncode == 130


@slow
def test_a_killed_run_leaves_no_window(screen: Screen, show, endless_clip: Path) -> None:
    process = show("--video", endless_clip)
    wait_for_window(screen, process)
    process.kill()
    wait_until(lambda: screen.find_window(TITLE) is None, "the window's end")


@slow
def test_a_lost_screen_fails_the_window_alone(
    screen: Screen, show, endless_clip: Path, tmp_path: Path
) -> None:
    alone = show("--video", endless_clip)
    wait_for_window(screen, alone)
    other = show("--video", endless_clip, "--jsonl", "a.jsonl")
    wait_until(lambda: (tmp_path / "a.jsonl").exists(), "the other run's first frame")
    screen.switch_off()
    _, stderr = alone.communicate(timeout=LONG_S)
    assert alone.returncode == 1 and "--show lost its screen" in stderr.splitlines()[-1]
    lines = len((tmp_path / "a.jsonl").read_text().splitlines())
    wait_until(
        lambda: len((tmp_path / "a.jsonl").read_text().splitlines()) > lines + 100, "more frames"
    )
    other.send_signal(signal.SIGINT)
    _, stderr = other.communicate(timeout=LONG_S)
    assert "--show lost its screen" in stderr


def test_the_picture_is_what_is_shown(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where the tests imported PyAV first, as a program of a user may."""
    import av  # noqa: F401

    from runtime.window.process import WindowProcess

    monkeypatch.setenv("DISPLAY", screen.display)
    closed = threading.Event()
    window = WindowProcess("one picture", closed.set)
    try:
        assert window.start()
        image_bgr = np.zeros((120, 200, 3), np.uint8)
        image_bgr[:, :100] = (10, 200, 90)
        assert window.show(image_bgr) and window.show(image_bgr[:, ::-1])  # not contiguous
        number = screen.find_window("one picture")
        assert number is not None
        assert screen.size_wh(number) == (200, 120)
        wait_until(lambda: screen.color_at((150, 60)) == (90, 200, 10), "the right half")
        assert screen.color_at((50, 60)) == (0, 0, 0)
        press_until_closed(screen, number, "q")
        assert window.gone.wait(LONG_S) and closed.is_set() and not window.lost
        assert not window.show(image_bgr)
    finally:
        window.end()
