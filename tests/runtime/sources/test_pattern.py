"""The generated picture: the same for the same number, at the pace of the clock or as a file."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sources import PatternSource
from tests.support.processes import ENGINE, Run


def take(source: PatternSource, count: int) -> list:
    frames, stop = [], threading.Event()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == count:
            stop.set()
    return frames


def test_a_picture_depends_on_its_number_alone() -> None:
    once, again = (take(PatternSource("64x48", live=False), 5) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert (one.image_bgr == other.image_bgr).all() and one.index == other.index
    assert once[0].size_wh == (64, 48) and once[0].image_bgr.dtype == np.uint8
    different = {frame.image_bgr.tobytes() for frame in once}
    assert len(different) == 5
    assert [frame.time_s for frame in once] == pytest.approx([i / 30 for i in range(5)])


def test_it_comes_at_its_rate_and_leaves_out_what_it_is_late_for() -> None:
    source, stop, frames = PatternSource("32x24@50"), threading.Event(), []
    began = time.perf_counter()
    for frame in source.frames(stop):
        frames.append(frame)
        if len(frames) == 3:
            time.sleep(0.1)  # five pictures long
        if len(frames) == 10:
            stop.set()
    took_s = time.perf_counter() - began
    indices = [frame.index for frame in frames]
    assert source.live and indices == sorted(set(indices))
    assert indices[3] - indices[2] >= 5 and took_s >= indices[-1] / 50
    for frame in frames:
        assert frame.captured_at - began >= frame.index / 50


@pytest.mark.parametrize("size", ["1x1", "2x9", "7x3"])
def test_any_size_can_be_drawn(size: str) -> None:
    assert take(PatternSource(size, live=False), 2)


@pytest.mark.parametrize("mode", ["", "640", "0x4", "640x480@0", "640x480:bgr24", "9x99999", "axb"])
def test_another_text_is_refused(mode: str) -> None:
    with pytest.raises(UserError, match=r"--test-pattern .*expected WxH or WxH@FPS such as"):
        PatternSource(mode)


def test_the_command_runs_on_it(run_here: Run, color_bundle: Path, tmp_path: Path) -> None:
    done = run_here(
        "--test-pattern", "64x48@100", "--classes", "sky,tree", "--max-frames", 5, *ENGINE,
        "--bundle", color_bundle, "--jsonl", "-", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 5 and lines[0]["size_wh"] == [64, 48]
    source = json.loads((tmp_path / "r.json").read_text())["source"]
    assert (source["kind"], source["live"], source["fps"]) == ("test-pattern", True, 100)
    without_words = run_here("--test-pattern")
    assert without_words.returncode == 2
    assert "--test-pattern needs the classes to look for" in without_words.stderr
