"""The label video: every value comes back, with what it means."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import av
import numpy as np
import pytest

from runtime.errors import MgcaError, UserError
from runtime.sinks.base import RunFacts, SegmentedFrame
from runtime.sinks.claims import Claims
from runtime.sinks.label_video import TAG, LabelVideo
from tests.support.frames import segmented
from tests.support.processes import ENGINE, Run
from tests.support.streams import wait_for_end


def labelled(
    index: int,
    size_wh: tuple[int, int] = (64, 48),
    names: tuple[str, ...] = ("sky", "straße"),
    time_s: float | None = None,
) -> SegmentedFrame:
    width, height = size_wh
    labels = np.random.default_rng(index).integers(0, 256, (height, width), np.uint8)
    image_bgr = np.zeros((height, width, 3), np.uint8)
    return segmented(image_bgr, labels, index, class_names=names, time_s=time_s)


def opened(path: Path) -> LabelVideo:
    sink = LabelVideo(str(path))
    sink.check(Claims([], "no-bundle"))
    sink.prepare(RunFacts(("sky", "straße"), ("wall",), "colors@1", "mgca-rt --camera 0"))
    return sink


def read(path: Path) -> tuple[list[np.ndarray], list[float], dict]:
    """Every frame's own bytes, unconverted, its time, and what the tag says."""
    with av.open(str(path)) as container:
        meaning = json.loads(container.metadata[TAG])
        assert container.streams.video[0].codec_context.name == "ffv1"
        frames = list(container.decode(video=0))
        assert {frame.format.name for frame in frames} <= {"gray"}
        return [frame.to_ndarray() for frame in frames], [frame.time for frame in frames], meaning


@pytest.mark.parametrize("size_wh", [(1, 1), (17, 2), (101, 77), (640, 480)])
def test_every_value_comes_back(size_wh: tuple[int, int], tmp_path: Path) -> None:
    sink, path = opened(tmp_path / "l.mkv"), tmp_path / "l.mkv"
    times_s = [0.0, 0.04, 0.5, 0.5, 40.0]
    items = [labelled(i, size_wh, time_s=time_s) for i, time_s in enumerate(times_s)]
    for item in items:
        sink.write(item)
    sink.close()
    sink.close()
    images, written_s, meaning = read(path)
    assert len(images) == 5
    for image, item in zip(images, items, strict=True):
        assert np.array_equal(image, item.result.labels)
    assert written_s == pytest.approx([0.0, 0.04, 0.5, 0.501, 40.0], abs=1e-6)
    assert [entry["name"] for entry in meaning["classes"]] == ["sky", "straße"]
    assert (meaning["none"], meaning["bundle"]) == (255, "colors@1")
    assert list(tmp_path.iterdir()) == [path]


def test_converted_to_colors_the_values_stay(tmp_path: Path) -> None:
    """Grey of video range would be stretched by every program that shows it."""
    sink, item = opened(tmp_path / "l.mkv"), labelled(0)
    sink.write(item)
    sink.close()
    with av.open(str(tmp_path / "l.mkv")) as container:
        (frame,) = container.decode(video=0)
        shown = frame.to_ndarray(format="bgr24")
    assert np.array_equal(shown, np.repeat(item.result.labels[..., None], 3, axis=2))


def test_another_size_or_class_list_begins_a_file(tmp_path: Path) -> None:
    (tmp_path / "l-2.mkv").write_bytes(b"of somebody else")
    sink = opened(tmp_path / "l.mkv")
    sink.write(labelled(0))
    sink.write(labelled(1))
    sink.write(labelled(2, (32, 20)))
    sink.write(labelled(3, (32, 20), ("cat",)))
    sink.close()
    first, second, third = (read(tmp_path / f"l{end}.mkv") for end in ("", "-3", "-4"))
    assert [len(one[0]) for one in (first, second, third)] == [2, 1, 1]
    assert [one["name"] for one in third[2]["classes"]] == ["cat"]
    assert second[0][0].shape == (20, 32) and np.array_equal(
        third[0][0], labelled(3, (32, 20)).result.labels
    )
    assert (tmp_path / "l-2.mkv").read_bytes() == b"of somebody else"
    assert sink.record() == {"path": str(tmp_path / "l.mkv"), "frames": 4, "files": 3}


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "l.mkv"
    path.write_bytes(b"precious")
    sink = opened(path)
    sink.write(labelled(0))
    assert path.read_bytes() == b"precious"
    for index in range(1, 20):
        sink.write(labelled(index))
    images, _, _ = read(path)  # as after a kill: all but the last half second
    assert 12 <= len(images) <= 20
    sink.close()
    assert len(read(path)[0]) == 20


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(
        target=lambda: got.append((tmp_path / "pipe").read_bytes()), daemon=True
    )
    reader.start()
    sink = opened(tmp_path / "pipe")
    sink.write(labelled(0))
    sink.close()
    wait_for_end(reader)
    (tmp_path / "copy.mkv").write_bytes(got[0])
    assert np.array_equal(read(tmp_path / "copy.mkv")[0][0], labelled(0).result.labels)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_no_crash() -> None:
    sink = opened(Path("/dev/full"))
    with pytest.raises(MgcaError, match="No space left"):
        for index in range(100):
            sink.write(labelled(index))
    sink.close()


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"should end in \.mkv"):
        opened(tmp_path / "l.mp4")


def test_from_the_command_line(
    run_here: Run, clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    words = ("--classes", "sky,tree,car", "--background", "none")
    typed = ("--video", clip, "--bundle", color_bundle, *ENGINE, *words)
    done = run_here(*typed, "--label-video", "l.mkv", "--label-dir", "l")
    assert (done.returncode, done.stderr) == (0, "")
    images, times_s, _ = read(Path("l.mkv"))
    kept = [av.open(str(path)) for path in sorted(Path("l").glob("*.png"))]
    stills = [next(one.decode(video=0)).to_ndarray() for one in kept]
    assert len(images) == 12 and times_s == pytest.approx([i / 12 for i in range(12)], abs=1e-3)
    assert all(np.array_equal(one, other) for one, other in zip(images, stills, strict=True))
    done = run_here(*typed, "--label-video", "o.mkv", "--jsonl", "o.mkv")
    assert done.returncode == 2
    assert "--label-video and --jsonl name the same file o.mkv" in done.stderr
