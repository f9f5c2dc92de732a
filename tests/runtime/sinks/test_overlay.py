"""The overlay video: plays, keeps times, survives size changes and failures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from runtime.errors import MgcaError, UserError
from runtime.sinks.claims import Claims
from runtime.sinks.overlay import OverlayVideo
from tests.support.clips import draw_scene, read_video


def item(image_bgr: np.ndarray, time_s: float, pixel_aspect: Fraction = Fraction(1)) -> Any:
    """What the sink reads of a segmented frame: the overlay, the time and the pixels' shape."""
    frame = SimpleNamespace(time_s=time_s, pixel_aspect=pixel_aspect)
    return SimpleNamespace(overlay_bgr=image_bgr, frame=frame)


def write_all(
    path: Path, images: list[np.ndarray], times_s: list[float], fps: float | None = 10
) -> None:
    sink = OverlayVideo(str(path), fps)
    sink.check(Claims([], "no-bundle"))
    for image_bgr, time_s in zip(images, times_s, strict=True):
        sink.write(item(image_bgr, time_s))
    sink.close()
    sink.close()


def boxes(path: Path) -> list[str]:
    """The types of the file's outermost MP4 boxes."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        found.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return found


def test_plays_in_a_browser_by_its_format(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_all(path, [draw_scene(i) for i in range(25)], [i / 10 for i in range(25)])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec_tag == "avc1"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.profile in ("High", "Main", "Constrained Baseline")
        assert float(stream.average_rate) == pytest.approx(10, rel=0.02)
    found = boxes(path)
    assert found[:2] == ["ftyp", "moov"]  # readable from the start, without seeking
    assert found.count("moof") >= 4  # half a second a fragment
    images, times_s = read_video(path)
    assert times_s == pytest.approx([i / 10 for i in range(25)], abs=1e-4)
    for index in (0, 24):
        assert np.abs(images[index].astype(int) - draw_scene(index)).mean() < 6


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.5, 0.501, 3.0, 3.0]
    write_all(tmp_path / "a.mp4", [draw_scene(i) for i in range(6)], times_s)
    _, written_s = read_video(tmp_path / "a.mp4")
    assert written_s == pytest.approx(times_s, abs=1e-3)
    assert sorted(set(written_s)) == written_s  # even two frames of one time stay apart


@pytest.mark.parametrize("size_wh", [(101, 77), (1, 1), (17, 2), (640, 360)])
def test_any_size(size_wh: tuple[int, int], tmp_path: Path) -> None:
    width, height = size_wh
    image_bgr = np.full((height, width, 3), (0, 0, 200), np.uint8)
    write_all(tmp_path / "a.mp4", [image_bgr] * 3, [0, 0.1, 0.2])
    images, _ = read_video(tmp_path / "a.mp4")
    assert len(images) == 3
    assert images[0].shape[:2] == (height + height % 2, width + width % 2)
    assert np.abs(images[2].astype(int) - (0, 0, 200)).max() < 12  # the edge is repeated, not black


def test_a_gap_that_mp4_cannot_hold_is_shortened(tmp_path: Path, caplog) -> None:
    """FFmpeg 8.1 keeps a frame's duration in 31 bits: 6.6 hours at 90 kHz."""
    caplog.set_level("WARNING", logger="mgca")
    path, day_s = tmp_path / "a.mp4", 86_400.0
    write_all(path, [draw_scene(i) for i in range(4)], [0.0, 0.1, day_s, day_s + 0.1])
    _, times_s = read_video(path)
    assert times_s == pytest.approx([0.0, 0.1, 21_600.1, 21_600.2], abs=1e-3)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("fps", [2.0, 25.0, 240.0, None])
def test_a_key_frame_a_second_whatever_the_rate(fps: float | None, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_all(path, [draw_scene(i) for i in range(30)], [i / 10 for i in range(30)], fps)
    with av.open(str(path)) as container:
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.is_keyframe and p.size]
    assert {0, 1, 2} <= {float(key) for key in keys}


@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(45, 64), Fraction(1)])
def test_the_pixel_aspect_is_kept(aspect: Fraction, tmp_path: Path) -> None:
    sink = OverlayVideo(str(tmp_path / "a.mp4"), 10)
    sink.check(Claims([], "no-bundle"))
    sink.write(item(draw_scene(0), 0.0, aspect))
    sink.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == aspect
        assert (stream.width, stream.height) == (128, 96)


def test_a_later_size_is_fitted_in(tmp_path: Path, caplog) -> None:
    images = [draw_scene(0), np.full((200, 100, 3), 255, np.uint8), draw_scene(0)]
    caplog.set_level("WARNING")
    caplog.set_level("WARNING", logger="mgca")
    write_all(tmp_path / "a.mp4", images, [0, 0.1, 0.2])
    read, _ = read_video(tmp_path / "a.mp4")
    assert {image.shape for image in read} == {(96, 128, 3)}
    assert read[1][48, 64].min() > 240 and read[1][48, 5].max() < 15
    assert len(caplog.records) == 1


def test_what_is_there_stays_until_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    sink = OverlayVideo(str(path))
    sink.check(Claims([], "no-bundle"))
    assert path.read_bytes() == b"precious"
    sink.close()
    assert path.read_bytes() == b"precious" and list(tmp_path.iterdir()) == [path]
    sink.write(item(draw_scene(0), 0.0))
    assert path.read_bytes() == b"precious"  # a header without a picture replaces nothing
    for index in range(1, 30):
        sink.write(item(draw_scene(index), index / 10))
    assert path.read_bytes()[4:8] == b"ftyp"
    assert 5 <= len(read_video(path)[0]) < 30  # plays while it is being written
    sink.close()
    assert len(read_video(path)[0]) == 30 and list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.mp4").write_bytes(b"old")
    (tmp_path / "link.mp4").symlink_to("real.mp4")
    write_all(tmp_path / "link.mp4", [draw_scene(0)], [0.0])
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(read_video(tmp_path / "real.mp4")[0]) == 1


@pytest.mark.parametrize("name", ["a.avi", "mp4", "a.mp4.txt"])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.mp4"):
        OverlayVideo(str(tmp_path / name)).check(Claims([], "no-bundle"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_no_crash() -> None:
    sink = OverlayVideo("/dev/full")
    sink.check(Claims([], "no-bundle"))
    with pytest.raises(MgcaError, match="No space left"):
        for index in range(100):
            sink.write(item(draw_scene(index), index / 10))
    sink.close()
