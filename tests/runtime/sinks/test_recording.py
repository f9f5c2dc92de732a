"""Recordings: cut by time and size, bounded, whole after a kill; nothing of others is removed."""

from __future__ import annotations

import calendar
import os
import re
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import MgcaError, UserError
from runtime.sinks.base import RunFacts, SegmentedFrame
from runtime.sinks.claims import Claims
from runtime.sinks.recorded_files import create_file, find_files, remove_oldest
from runtime.sinks.recording import Recording
from tests.support.clips import read_video
from tests.support.frames import scene, segmented
from tests.support.processes import ENGINE, Run, command_environment, started_processes


def opened(folder: Path, stream: str = "door", **how: object) -> Recording:
    sink = Recording(str(folder), **how)  # type: ignore[arg-type]
    sink.check(Claims([], "no-bundle"))
    sink.prepare(RunFacts(("sky", "tree", "car"), (), "b", stream=stream))
    return sink


def noise(index: int) -> SegmentedFrame:
    """A picture that does not compress."""
    pixels = np.random.default_rng(index).integers(0, 256, (120, 160, 3), np.uint8)
    return segmented(pixels, np.full((120, 160), 255, np.uint8), index)


def listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_cut_at_the_segments_length_and_named_by_the_start(tmp_path: Path) -> None:
    sink, before = opened(tmp_path / "clips", segment_s=2.0), time.time()
    began = time.perf_counter()
    for index in range(45):
        item = scene(index)
        # As if captured in real time: the name comes from the capture, not from the writing.
        captured_at = began + index / 10
        sink.write(replace(item, frame=replace(item.frame, captured_at=captured_at)))
    sink.close()
    files = listed(tmp_path / "clips")
    assert [len(read_video(path)[0]) for path in files] == [20, 20, 5]
    assert [read_video(path)[1][0] for path in files] == [0.0, 0.0, 0.0]
    starts = []
    for path in files:
        found = re.fullmatch(r"door_(\d{8}T\d{6})\.(\d{3})Z\.mp4", path.name)
        assert found is not None, path.name
        clock = time.strptime(found[1] + "UTC", "%Y%m%dT%H%M%S%Z")
        starts.append(calendar.timegm(clock) + int(found[2]) / 1000)
    assert before - 0.001 <= starts[0] <= time.time()
    assert np.diff(starts) == pytest.approx([2.0, 2.0], abs=1.0)
    assert sink.record() == {
        "path": str(tmp_path / "clips"), "files": 3, "frames": 45, "removed": 0,
    }  # fmt: skip


def test_another_size_or_a_time_that_goes_back_begins_a_file(tmp_path: Path) -> None:
    sink = opened(tmp_path, stream="")
    sizes = [(128, 96), (128, 96), (64, 48), (63, 47), (128, 96)]
    for index, size_wh in enumerate(sizes):
        sink.write(scene(index, size_wh))
    sink.write(scene(5, (128, 96), time_s=0.0))
    sink.close()
    videos = [read_video(path)[0] for path in listed(tmp_path)]
    assert [(len(images), images[0].shape[:2]) for images in videos] == [
        (2, (96, 128)), (2, (48, 64)), (1, (96, 128)), (1, (96, 128)),
    ]  # fmt: skip


def test_the_camera_or_the_overlay(tmp_path: Path) -> None:
    shown = {}
    for view in ("overlay", "camera"):
        sink = opened(tmp_path / view, view=view)
        sink.write(item := scene(0))
        sink.close()
        (path,) = listed(tmp_path / view)
        shown[view] = read_video(path)[0][0].astype(int)
    assert np.abs(shown["camera"] - item.frame.image_bgr).mean() < 6
    assert np.abs(shown["overlay"] - item.overlay_bgr).mean() < 6
    assert np.abs(shown["overlay"] - shown["camera"]).mean() > 20


def test_the_oldest_go_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    foreign = {
        "holiday.mp4": b"x" * 10**6,
        "door_20200101T000000.000Z.mp4": b"named like ours" * 10**5,
        "door_20200101T000000.000Z.txt": b"segment of a recording by mgca-rt",
    }
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    other = opened(tmp_path, stream="gate")
    other.write(noise(0))
    other.close()
    sink = opened(tmp_path, segment_s=1.0, keep_bytes=250_000)
    for index in range(80):
        sink.write(noise(index))
    sink.close()
    for name, content in foreign.items():
        assert (tmp_path / name).read_bytes() == content
    ours = [path for path in listed(tmp_path) if path.name not in foreign]
    assert [path for path in ours if path.name.startswith("gate_")]  # the newest of its stream
    recorded = [path for path in ours if path.name.startswith("door_")]
    assert sink.removed and len(recorded) == sink.files - sink.removed
    # Looked at when a file begins: what is over is what this one holds.
    assert sum(path.stat().st_size for path in ours) <= 375_000
    assert all(len(read_video(path)[0]) for path in recorded)


def test_the_newest_is_never_removed(tmp_path: Path) -> None:
    sink = opened(tmp_path)
    sink.write(scene(0))
    sink.close()
    (path,) = listed(tmp_path)
    assert remove_oldest(tmp_path, 0, set()) == 0 and path.exists()
    renamed = path.rename(tmp_path / "kept.mp4")  # how a recording is kept for good
    assert find_files(tmp_path, set()) == [] and renamed.exists()


def test_what_is_being_written_stays_also_when_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = opened(tmp_path)
    older.write(scene(0))
    older.close()
    (newest_by_name,) = listed(tmp_path)
    clock = time.time
    monkeypatch.setattr("runtime.sinks.recording.time.time", lambda: clock() - 3600.0)
    sink = opened(tmp_path)
    for index in range(15):
        sink.write(scene(index))
    assert remove_oldest(tmp_path, 0, set()) == 0  # it is written, and not the newest by its name
    sink.close()
    written, other = listed(tmp_path)
    assert other == newest_by_name and len(read_video(written)[0]) == 15
    assert remove_oldest(tmp_path, 0, set()) == 1 and listed(tmp_path) == [newest_by_name]


def test_two_files_of_one_moment(tmp_path: Path) -> None:
    made = [create_file(tmp_path, "a/../b", 1_800_000_000.5) for _ in range(2)]
    assert listed(tmp_path) != []  # hidden until something in it plays
    assert not [path for path in listed(tmp_path) if path.suffix == ".mp4"]
    paths = [one.publish() for one in made]
    for one in made:
        one.close()
    assert listed(tmp_path) == paths and [path.name for path in paths] == [
        "a_.._b_20270115T080000.500Z.mp4",
        "a_.._b_20270115T080000.501Z.mp4",
    ]


WRITER = """
import sys, time
from pathlib import Path
from runtime.sinks.base import RunFacts
from runtime.sinks.recording import Recording
from tests.support.frames import scene
sink = Recording(sys.argv[1], 2.0)
sink.prepare(RunFacts(("sky", "tree", "car"), (), "b", stream="door"))
for index in range(35):
    sink.write(scene(index))
print("written", flush=True)
time.sleep(60)
"""


def test_what_was_written_plays_after_a_kill(tmp_path: Path) -> None:
    with started_processes() as start:
        process = start([sys.executable, "-c", WRITER, str(tmp_path)], env=command_environment())
        assert process.stdout is not None and process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    first, second = listed(tmp_path)
    assert len(read_video(first)[0]) == 20
    # Of 15 more frames, at ten a second, all but the fragment in work and what encodes a frame.
    assert 8 <= len(read_video(second)[0]) <= 15
    assert len(find_files(tmp_path, set())) == 2  # they are ours in the next run too


def test_a_full_disk_is_an_error_and_what_stands_plays(tmp_path: Path) -> None:
    sink = opened(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
        with pytest.raises(MgcaError, match=r"--record: .* could not be written \(File too large"):
            for index in range(100):
                sink.write(noise(index))
        sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (path,) = listed(tmp_path)
    assert read_video_as_far_as_it_goes(path) > 0


def read_video_as_far_as_it_goes(path: Path) -> int:
    import av

    count = 0
    with av.open(str(path)) as container:
        try:
            for _ in container.decode(video=0):
                count += 1
        except av.error.FFmpegError:
            pass
    return count


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--record r --segment 10m --keep 1GB", None),
        ("--segment 20m", "--segment needs --record DIR"),
        ("--keep 1GB", "--keep needs --record DIR"),
        ("--record-view camera", "--record-view needs --record DIR"),
        ("--record r --segment 10", "expected a duration such as 30s, 10m or 1h"),
        ("--record r --keep 20", "expected a size such as 500MB or 20GB"),
        ("--record r --label-dir r", "--record and --label-dir name the same folder r"),
        ("--record FILE", "is not a folder"),
        ("--record -", "--record - would mean stdout"),
    ],
)
def test_flags(flags: str, says: str | None, run_here: Run, clip: Path, color_bundle: Path) -> None:
    typed = ["--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car"]
    done = run_here(*typed, *flags.replace("FILE", str(clip)).split())
    if says is not None:
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1
        return
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^recording /.*/r \(1 files\)$", done.stdout, re.MULTILINE)
    (path,) = listed(Path("r"))
    assert len(read_video(path)[0]) == 12


def test_streams_may_share_the_folder(tmp_path: Path) -> None:
    claims = Claims([], "no-bundle")
    Recording(str(tmp_path)).check(claims)
    Recording(str(tmp_path)).check(claims)
    with pytest.raises(UserError, match="name the same folder"):
        claims.claim_folder("--pictures", os.fspath(tmp_path))
