"""Devices that are read by calls that block: gone, back, hanging, and left behind."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import SourceGoneError
from runtime.sources import CameraMode, CameraSource
from runtime.sources.captured import CapturedSource
from runtime.sources.grabbing import MOST_LEFT
from runtime.sources.reconnect import ReconnectTimer
from tests.support.processes import ENGINE
from tests.support.streams import LONG_S

PICTURE = np.zeros((6, 8, 3), np.uint8)


class Device:
    """A capture that gives some pictures, then hangs until it is let go, or ends."""

    def __init__(self, pictures: int, let_go: threading.Event | None, size_wh=(8, 6)) -> None:
        self.left, self.let_go, self.size_wh = pictures, let_go, size_wh
        self.released = threading.Event()

    def grab(self) -> bool:
        self.left -= 1
        if self.left >= 0:
            return True
        if self.let_go is not None:
            assert self.let_go.wait(LONG_S)
        return False

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.zeros((self.size_wh[1], self.size_wh[0], 3), np.uint8)

    def release(self) -> None:
        self.released.set()


class Devices(CapturedSource):
    """Opens one device after the other; None among them is one that is not there."""

    kind = "devices"

    def __init__(self, devices: list[Device | None], timeout_s: float | None = 1.5) -> None:
        super().__init__("devices", "the device", timeout_s)
        self.devices, self.opened = devices, 0
        self.told: list[tuple[str, dict]] = []
        self.on_event = lambda kind, text, facts: self.told.append((kind, facts))

    def open_capture(self) -> Device | None:
        self.opened += 1
        return self.devices.pop(0) if self.devices else None

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def read(source: CapturedSource, count: int) -> list:
    frames, stop = [], threading.Event()
    alarm = threading.Timer(LONG_S, stop.set)
    alarm.start()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    alarm.cancel()
    return frames


def test_a_read_that_hangs_is_left_behind_and_the_device_opened_anew(
    let_go: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    hanging = Device(3, let_go)
    source = Devices([hanging, Device(100, None, (4, 2))])
    frames = read(source, 6)
    assert [frame.index for frame in frames] == list(range(6)) and source.reconnects == 1
    assert source.kinds == ["source-stalled", "source-back", "size-changed"]
    assert source.told[0][1] == {"reason": "no picture in time"}
    assert source.told[1][1]["away_s"] >= 0.5  # a third of the time it may be away
    assert "a read hangs, its thread is left behind" in caplog.text
    assert source.hangs and not hanging.released.is_set()
    let_go.set()
    assert hanging.released.wait(LONG_S)  # it lets go of its device when its read ends
    while source.hangs:
        time.sleep(0.01)


def test_a_device_that_ends_or_is_away_is_opened_again() -> None:
    source = Devices([None, Device(2, None), None, Device(2, None)], 5)
    frames = read(source, 4)
    assert len(frames) == 4 and source.opened == 4
    assert source.kinds == ["source-lost", "source-back", "source-lost", "source-back"]
    assert [facts["reason"] for _, facts in source.told[::2]] == [
        "it cannot be opened", "it gives no picture",
    ]  # fmt: skip
    assert not source.hangs


class HastyTimer(ReconnectTimer):
    """To whom a moment of silence is a stall."""

    @property
    def stall_s(self) -> float:
        return 0.05


def test_no_more_than_some_reads_hang_at_once(
    let_go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.sources.grabbing.LEAVE_S", 0.01)
    monkeypatch.setattr("runtime.sources.reconnect.FIRST_PAUSE_S", 0.01)
    source = Devices([Device(1, let_go) for _ in range(10)])
    source.timer = HastyTimer("the device", 0.5, source.tell)
    with pytest.raises(SourceGoneError, match=f"{MOST_LEFT} reads of it hang"):
        read(source, 100)
    assert source.opened == MOST_LEFT and len(source.devices) == 10 - MOST_LEFT


@pytest.mark.slow
def test_a_source_with_few_pictures_is_given_time_for_the_next() -> None:
    class Slow(Device):
        """A picture in six tenths of a second; without its rate known, half of one is a stall."""

        fps = 2.0

        def grab(self) -> bool:
            time.sleep(0.6)
            return super().grab()

    source = Devices([Slow(3, None)], 1.5)
    assert len(read(source, 3)) == 3
    assert source.told == [] and source.opened == 1 and source.fps == 2.0


def test_an_error_while_opening_is_the_reason() -> None:
    class Broken(Devices):
        def open_capture(self) -> Device | None:
            raise OSError("no sensor")

    with pytest.raises(SourceGoneError, match=r"has not appeared within 0.2 s \(no sensor\)"):
        read(Broken([], 0.2), 1)


@pytest.mark.parametrize(
    ("asked", "given", "told"),
    [
        (CameraMode(), CameraMode((640, 480), 30, "YUYV"), []),
        (CameraMode((640, 480), 30, "MJPG"), CameraMode((640, 480), 29.97, "MJPG"), []),
        (
            CameraMode((1280, 720), 60, "MJPG"),
            CameraMode((640, 480), 30, "YUYV"),
            ["size 640x480 instead of 1280x720", "30 frames/s instead of 60",
             "format YUYV instead of MJPG"],
        ),
        (CameraMode((640, 480), 60, "MJPG"), CameraMode(), []),  # it does not say
    ],
)  # fmt: skip
def test_what_a_camera_gives_instead_is_told(
    asked: CameraMode, given: CameraMode, told: list[str]
) -> None:
    assert asked.differences(given) == told


def test_the_mode_that_real_opencv_gives_is_warned_of_once(
    clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenCV reads a file below /dev as it reads a device: with a size, a rate and a format."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("needs a folder below /dev that can be written to")
    device = Path(f"/dev/shm/mgca-test-clip-{os.getpid()}.mp4")
    device.symlink_to(clip)
    try:
        source = CameraSource(str(device), 5, CameraMode((640, 480), 30, "MJPG"))
        frames = read(source, 15)  # the clip has twelve: it is opened twice
    finally:
        device.unlink()
    assert frames[0].size_wh == (128, 96) and source.fps == pytest.approx(12)
    (told,) = [message for message in caplog.messages if "instead of" in message]
    assert "size 128x96 instead of 640x480, 12 frames/s instead of 30, format " in told
    assert told.endswith("instead of MJPG; mgca-rt doctor lists its modes")


@pytest.fixture
def pipe() -> Iterator[Path]:
    """A named pipe that OpenCV reads as a camera's device: a real read of it can really hang."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("needs a folder below /dev that can be written to")
    path = Path(f"/dev/shm/mgca-test-camera-{os.getpid()}")
    os.mkfifo(path)
    yield path
    path.unlink()


def send_motion_jpeg(path: Path, over: threading.Event, pictures: int) -> None:
    """Write so many pictures into a pipe, then nothing, and never close it before the end."""
    import cv2

    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    try:
        with path.open("wb", buffering=0) as writing:
            for _ in range(pictures):
                writing.write(jpeg)
            over.wait(LONG_S)
    except OSError:
        pass  # the reader went away


@pytest.mark.slow
def test_a_camera_whose_driver_blocks_is_noticed_in_real_opencv(pipe: Path) -> None:
    over = threading.Event()
    threading.Thread(target=send_motion_jpeg, args=(pipe, over, 60), daemon=True).start()
    source = CameraSource(str(pipe), 4.0)
    told: list[tuple[str, dict]] = []
    frames = []
    source.on_event = lambda kind, text, facts: told.append((kind, facts))
    with pytest.raises(SourceGoneError, match="has not come back within 4 s"):
        for frame in source.frames(threading.Event()):
            frames.append(frame)
    assert len(frames) >= 30 and frames[0].size_wh == (640, 480)
    assert told[0] == ("source-stalled", {"reason": "no picture in time"})
    assert source.hangs
    over.set()
    deadline = time.monotonic() + LONG_S
    while source.hangs:
        assert time.monotonic() < deadline
        # Whoever waits to open it may go on; nobody need be waiting.
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        time.sleep(0.05)


@pytest.mark.slow
def test_a_run_ends_although_a_read_hangs(
    start_cli: Callable, pipe: Path, color_bundle: Path, tmp_path: Path
) -> None:
    over = threading.Event()
    threading.Thread(target=send_motion_jpeg, args=(pipe, over, 60), daemon=True).start()
    process = start_cli(
        "--camera", pipe, "--reconnect-timeout", 3, "--classes", "sky", *ENGINE, "--bundle",
        color_bundle, "--jsonl", tmp_path / "a.jsonl",
    )  # fmt: skip
    _, errors = process.communicate(timeout=60)
    over.set()
    assert process.returncode == 3, errors
    assert "has not come back within 3 s" in errors and "Traceback" not in errors
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    kinds = [line["event"] for line in lines if "event" in line]
    assert kinds[0] == "source-stalled" and len(lines) > len(kinds)
