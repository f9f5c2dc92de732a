"""Files and images that begin again at their end: numbers and times go on rising."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from runtime.errors import MgcaError, UserError
from runtime.sources import ImageSource, Source, VideoFile, open_video
from tests.support.clips import write_clip
from tests.support.processes import ENGINE, Run


def take(source: Source, count: int) -> list:
    frames, stop = [], threading.Event()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    source.close()
    return frames


def test_a_video_begins_again(clip: Path) -> None:
    source = open_video(str(clip), loop=True)
    source.open()
    assert source.frame_count is None
    frames = take(source, 30)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 12 for i in range(30)])
    assert [frame.stem for frame in frames][12:14] == ["000012", "000013"]
    assert (frames[0].image_bgr == frames[24].image_bgr).all()


def test_images_begin_again_under_their_own_names(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((4, 6, 3), np.uint8))
    frames = take(ImageSource(str(tmp_path), fps=10, loop=True), 5)
    assert [frame.stem for frame in frames] == ["a", "b", "a", "b", "a"]
    assert [frame.index for frame in frames] == list(range(5))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_images_that_cannot_be_read_end_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match="none of the 1 files"):
        take(ImageSource(str(tmp_path), loop=True), 5)


def test_a_file_that_is_taken_away_ends_the_run_as_failed(clip: Path, tmp_path: Path) -> None:
    path = shutil.copy(clip, tmp_path / "a.mp4")
    source, frames = VideoFile(str(path), loop=True), []
    with pytest.raises(MgcaError, match=r"--loop: .* does not exist") as caught:
        for frame in source.frames(threading.Event()):
            frames.append(frame)
            Path(path).unlink(missing_ok=True)
    assert caught.value.exit_code == 1 and len(frames) == 12


def test_a_cut_off_file_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_clip(tmp_path / "a.avi", 60, codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert len(take(VideoFile(str(path), loop=True), 100)) == 100
    assert sum("cut off" in message for message in caplog.messages) == 1


def test_what_has_no_end_is_not_looped(run_here: Run) -> None:
    for typed in (["--camera", 0], ["--test-pattern"], ["--video", "rtsp://127.0.0.1:9/a"]):
        done = run_here(*typed, "--classes", "sky", "--loop")
        assert done.returncode == 2 and "--loop is for" in done.stderr


def test_the_command_loops(run_here: Run, clip: Path, color_bundle: Path) -> None:
    done = run_here(
        "--video", clip, "--loop", "--max-frames", 20, "--classes", "sky,tree,car", *ENGINE,
        "--bundle", color_bundle, "--jsonl", "-",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    assert lines[0]["classes"] == lines[12]["classes"] != lines[5]["classes"]
