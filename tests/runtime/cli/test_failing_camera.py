"""A run beside a real RTSP server that is away, killed, paused and restarted as another camera."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ENGINE
from tests.support.rtsp_process import RtspProcess, why_not

pytestmark = pytest.mark.slow

#: For a busy machine: a stall is noticed within 5 s, an attempt takes 10 s at most.
PATIENCE_S = 150.0
PICTURES = 20


class Watch:
    """The JSON lines of a run, as they come; the start of a line that is being written waits."""

    def __init__(self, process: subprocess.Popen[str], path: Path) -> None:
        self.process, self.path = process, path

    def lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        whole, _, _ = self.path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def kinds(self) -> list[str]:
        return [line["event"] for line in self.lines() if "event" in line]

    def sizes(self) -> list[tuple[int, int]]:
        return [tuple(line["size_wh"]) for line in self.lines() if "event" not in line]

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            assert self.process.poll() is None, self.process.communicate(timeout=60)[1]
            assert time.monotonic() < deadline, self.kinds()
            time.sleep(0.05)

    def until_pictures(self, size_wh: tuple[int, int]) -> None:
        before = self.sizes().count(size_wh)
        self.until(lambda: self.sizes().count(size_wh) >= before + PICTURES)


@pytest.fixture
def camera() -> Any:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with RtspProcess() as server:
        yield server


def test_a_run_outlives_its_camera(
    start_cli: Callable[..., subprocess.Popen[str]],
    camera: RtspProcess,
    color_bundle: Path,
    tmp_path: Path,
) -> None:
    process = start_cli(
        "--video", camera.url, "--classes", "sky,tree,car", "--bundle", color_bundle, *ENGINE,
        "--jsonl", tmp_path / "a.jsonl", "--label-dir", tmp_path / "labels",
        "--report", tmp_path / "r.json", "--skip-still", "off", "--reconnect-timeout", 200,
    )  # fmt: skip
    watch = Watch(process, tmp_path / "a.jsonl")
    time.sleep(1.0)  # away at the start
    camera.start("160x120")
    watch.until_pictures((160, 120))
    camera.kill()
    watch.until(lambda: watch.kinds().count("source-lost") == 2)
    camera.start("320x240")
    watch.until_pictures((320, 240))
    camera.pause()
    watch.until(lambda: "source-stalled" in watch.kinds())
    camera.go_on()
    watch.until_pictures((320, 240))
    camera.kill()
    camera.start("160x128", "mjpeg")
    watch.until_pictures((160, 128))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "Traceback" not in errors, errors
    check_lines(watch, tmp_path)


def check_lines(watch: Watch, folder: Path) -> None:
    lines = watch.lines()
    kinds = [kind for kind in watch.kinds() if kind != "clock-stepped"]
    assert kinds[:6] == [
        "source-lost", "source-back",  # away at the start
        "source-lost", "source-back", "size-changed",  # killed, another size
        "source-stalled",  # paused
    ]  # fmt: skip
    after = [kind for kind in kinds[6:] if kind != "source-lost"]
    assert after == ["source-back", "codec-changed", "source-back", "size-changed"]
    facts = {line["event"]: line for line in lines if "event" in line}
    assert facts["size-changed"]["to_wh"] == [160, 128]
    assert (facts["codec-changed"]["from_codec"], facts["codec-changed"]["to_codec"]) == (
        "h264", "mjpeg",
    )  # fmt: skip
    stalled = next(line for line in lines if line.get("event") == "source-stalled")
    assert stalled["reason"] == "no answer in time"
    frames = [line for line in lines if "event" not in line]
    times_s = [frame["time_s"] for frame in frames]
    assert times_s == sorted(times_s) and [f["frame"] for f in frames] == sorted(
        {f["frame"] for f in frames}
    )
    check_labels(frames, folder / "labels")
    report = json.loads((folder / "r.json").read_text())
    assert report["reconnects"] == 3 and report["status"] == "interrupted"
    assert report["events"]["counts"]["source-back"] == 4


def check_labels(frames: list[dict[str, Any]], folder: Path) -> None:
    """Label images have their own frame's size; each output leaves out frames of its own."""
    import cv2

    size_of = {frame["frame"]: tuple(frame["size_wh"]) for frame in frames}
    seen = set()
    for path in folder.glob("*.png"):
        labels_hw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        size_wh = labels_hw.shape[::-1]
        assert size_of.get(int(path.stem), size_wh) == size_wh
        seen.add(size_wh)
    assert seen == {(160, 120), (320, 240), (160, 128)}
