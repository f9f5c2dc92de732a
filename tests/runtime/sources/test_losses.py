"""What a file lost: told as it is, and the numbers of the other pictures stay the file's own."""

from __future__ import annotations

import logging
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest

from runtime.sources import Frame, VideoFile
from tests.support.clips import draw_scene, write_clip


def read_all(path: Path) -> tuple[list[Frame], int | None]:
    source = VideoFile(str(path))
    source.open()
    frames = list(source.frames(threading.Event()))
    source.close()
    return frames, source.frame_count


def test_what_an_edit_list_leaves_out_is_not_missing(tmp_path: Path, caplog) -> None:
    """A cut without encoding anew keeps the pictures since the last key frame, unshown.

    FFmpeg 8.1 writes such an edit list for packets with negative time stamps; MP4's own number of
    samples (ISO/IEC 14496-12, stsz) counts them all.
    """
    whole = write_clip(tmp_path / "whole.mkv", 40, fps=10, options={"g": "40", "bf": "0"})
    cut = tmp_path / "cut.mp4"
    with av.open(str(whole)) as old, av.open(str(cut), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                shift = round(3.0 / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = stream
                new.mux(packet)
    with av.open(str(cut)) as container:
        assert container.streams.video[0].frames == 40
    with caplog.at_level(logging.WARNING):
        frames, announced = read_all(cut)
    assert [frame.index for frame in frames] == list(range(10)) and announced == 10
    assert caplog.text == ""


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_empty_pictures_of_an_avi_keep_their_numbers(codec: str, tmp_path: Path, caplog) -> None:
    """An AVI has an empty chunk for "as before"; FFmpeg 8.1 counts it and gives no packet."""
    path, left_out = tmp_path / "a.avi", {5, 6, 12}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = 128, 96
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for index in sorted(set(range(20)) - left_out):
            frame = av.VideoFrame.from_ndarray(draw_scene(index), "bgr24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with caplog.at_level(logging.WARNING):
        frames, announced = read_all(path)
    assert [frame.index for frame in frames] == sorted(set(range(20)) - left_out)
    assert [frame.time_s for frame in frames] == pytest.approx([f.index / 10 for f in frames])
    assert announced == 20 and caplog.text == ""


def damage(path: Path, numbers: range, content: bytes) -> None:
    """Overwrite the packets of these pictures."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for number in numbers:
        at, size = packets[number].pos, packets[number].size
        data[at : at + size] = (content * size)[:size]
    path.write_bytes(data)


@pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
def test_damage_in_the_middle_is_not_the_end(codec: str, tmp_path: Path, caplog) -> None:
    options = {"g": "1", "bf": "0"} if codec == "libx264" else {}
    path = write_clip(tmp_path / "a.mp4", 40, fps=10, codec=codec, options=options)
    damage(path, range(15, 20), b"\0")
    with caplog.at_level(logging.WARNING):
        frames, _ = read_all(path)
    assert [frame.index for frame in frames if frame.index >= 20] == list(range(20, 40))
    assert [frame.time_s for frame in frames] == pytest.approx([f.index / 10 for f in frames])
    if len(frames) < 40:
        assert "is damaged" in caplog.text and f"{len(frames)} frames could" in caplog.text
    assert "cut off" not in caplog.text


@pytest.mark.parametrize("ending", ["mp4", "avi"])
def test_what_ends_too_early_is_cut_off(ending: str, tmp_path: Path, caplog) -> None:
    moov_first = {"movflags": "faststart"} if ending == "mp4" else {}
    path = write_clip(
        tmp_path / f"a.{ending}", 40, fps=10, codec="mjpeg", container_options=moov_first
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        frames, _ = read_all(path)
    assert 10 < len(frames) < 30
    assert f"is cut off: {len(frames)} of 40 frames" in caplog.text


def test_a_variable_rate_has_gaps_and_loses_nothing(tmp_path: Path, caplog) -> None:
    path = write_clip(tmp_path / "a.mkv", 4, fps=10, times_s=[0.0, 0.1, 0.5, 0.6])
    with caplog.at_level(logging.WARNING):
        assert [frame.index for frame in read_all(path)[0]] == [0, 1, 2, 3]
    assert caplog.text == ""
