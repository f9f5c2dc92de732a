"""``mgca-rt`` with a network camera: breaks, and an end of waiting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.clips import read_video
from tests.support.processes import ENGINE, Run
from tests.support.rtsp_server import RtspServer


def test_the_command_survives_a_break_and_reports_it(
    run_here: Run, camera_clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    with RtspServer(camera_clip, frames=25) as server:
        done = run_here(
            "--video", server.url, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
            "--report", tmp_path / "r.json", "--jsonl", tmp_path / "a.jsonl", "--max-frames", 30,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "broke off" in done.stderr and "is back" in done.stderr
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["reconnects"] >= 1 and record["source"]["live"]
    assert record["frames_processed"] == 30
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    events = [line for line in lines if "event" in line]
    assert len(lines) - len(events) == 30
    assert [one["event"] for one in events[:2]] == ["source-lost", "source-back"]
    assert events[0]["reason"] and events[1]["away_s"] > 0
    assert record["events"]["counts"]["source-back"] == record["reconnects"]
    assert record["events"]["last"][0] == events[0]


@pytest.mark.slow
def test_a_camera_that_stays_away_ends_with_3_and_whole_outputs(
    run_here: Run, camera_clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    with RtspServer(camera_clip, frames=30, most=1) as server:
        done = run_here(
            "--video", server.url, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
            "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json",
            "--reconnect-timeout", 2, "--max-frames", 10_000,
        )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "has not come back within 2 s" in done.stderr.splitlines()[-1]
    count = json.loads((tmp_path / "r.json").read_text())["frames_processed"]
    assert count > 0 and len(read_video(tmp_path / "o.mp4")[0]) == count
