"""Streams beside each other and a camera's rate, with the runtime's own counters."""

from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.latency.live import LiveSettings, PacedCamera, describe_streams, run_streams
from runtime import Segmenter
from runtime.bundle import Bundle


def test_pictures_are_due_at_the_rate_and_in_turn() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in (1, 2)]
    camera = PacedCamera("camera 0", images, fps=500.0)
    frames = list(islice(camera.frames(threading.Event()), 4))
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [int(frame.image_bgr[0, 0, 0]) for frame in frames] == [1, 2, 1, 2]
    steps = np.diff([frame.captured_at for frame in frames])
    assert steps == pytest.approx([1 / 500] * 3)


def test_a_camera_that_is_stopped_shows_nothing_more() -> None:
    stop = threading.Event()
    stop.set()
    image = np.zeros((2, 2, 3), np.uint8)
    assert list(PacedCamera("camera 0", [image], fps=0.1).frames(stop)) == []


@pytest.fixture
def segmenter(bundle: Bundle) -> Segmenter:
    segmenter = Segmenter.load(bundle, "onnxruntime-cpu", threads=1)
    segmenter.set_classes("red,blue")
    return segmenter


def test_files_beside_each_other_drop_nothing(segmenter: Segmenter, clip: Path) -> None:
    settings = LiveSettings(streams=3, camera_fps=None, frames=14, duration_s=None)
    found = run_streams(segmenter, str(clip), settings)  # of twelve frames: they begin again
    assert [one.frames_processed for one in found] == [14, 14, 14]
    assert all(set(one.area_sums) == {"red", "blue"} for one in found)
    record = describe_streams(found, settings)
    assert (record["frames_processed"], record["frames_dropped"]) == (42, 0)
    assert record["age_ms"] is None and len(record["fps_of_each"]) == 3


def test_a_camera_that_is_too_fast_loses_frames(segmenter: Segmenter, clip: Path) -> None:
    settings = LiveSettings(streams=1, camera_fps=20_000, frames=20, duration_s=None)
    (found,) = run_streams(segmenter, str(clip), settings)
    record = describe_streams([found], settings)
    assert record["frames_processed"] == 20
    assert record["frames_dropped"] == found.frames_dropped > 0
    assert record["age_ms"]["p50"] > 0 and record["age_ms"]["p95"] is None


def test_a_duration_ends_it(segmenter: Segmenter, clip: Path) -> None:
    settings = LiveSettings(streams=2, camera_fps=None, frames=None, duration_s=0.05)
    found = run_streams(segmenter, str(clip), settings)
    assert describe_streams(found, settings)["frames_processed"] >= 0
    assert all(one.frames_in >= one.frames_processed for one in found)
