"""Video files as a source: every frame, right time, right way up, as far as it decodes."""

from __future__ import annotations

import logging
import threading
import wave
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sources import Frame, VideoFile, open_video
from runtime.sources.decoding import Decoder
from tests.support.clips import SIZE_WH, draw_scene, write_clip


def read_all(path: Path) -> list[Frame]:
    source = open_video(str(path))
    try:
        source.open()
        return list(source.frames(threading.Event()))
    finally:
        source.close()


def test_every_frame_in_order_with_its_pixels_and_time(clip: Path) -> None:
    source = VideoFile(str(clip))
    source.open()
    assert (source.frame_count, source.fps, source.live) == (12, 12.0, False)
    frames = list(source.frames(threading.Event()))
    source.close()
    assert [frame.stem for frame in frames] == [f"{i:06d}" for i in range(12)]
    assert [frame.time_s for frame in frames] == pytest.approx([i / 12 for i in range(12)])
    for frame in frames:
        difference = np.abs(frame.image_bgr.astype(int) - draw_scene(frame.index))
        assert difference.mean() < 8 and frame.size_wh == SIZE_WH
        assert frame.capture_ms > 0


def test_variable_frame_rate_keeps_the_files_times(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.5, 0.52, 1.9]
    path = write_clip(tmp_path / "a.mkv", 5, times_s=times_s)
    assert [frame.time_s for frame in read_all(path)] == pytest.approx(times_s, abs=2e-3)


def test_time_starts_at_zero_whatever_the_file_says(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", 4, fps=10)  # MPEG-TS begins at 1.4 s
    assert [frame.time_s for frame in read_all(path)] == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-3)


def patch_header(clip: Path, path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """The clip with a display matrix in its track header, as a phone notes how it was held."""
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 65536 for value in matrix)
    for place, value in enumerate((a, b, 0, c, d, 0, 0, 0, 1 << 30)):
        data[at + 4 * place : at + 4 * place + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),  # a selfie camera's mirror image
        ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),  # a phone held upright
        ((0, -1, -1, 0), lambda image: np.rot90(image, 2).swapaxes(0, 1)),
        ((0, -1, 1, 0), lambda image: np.rot90(image)),
        ((0, 0, 0, 0), lambda image: image),  # no matrix at all
    ],
)
def test_all_eight_display_matrices(
    clip: Path, tmp_path: Path, matrix: tuple[int, int, int, int], expected: Any
) -> None:
    """Truth: ISO/IEC 14496-12, 6.2.2: (x, y) is shown at (a x + c y, b x + d y).

    PyAV 18.1 gives ``frame.rotation`` -180 for a mirror image and for a half turn.
    """
    frames = read_all(patch_header(clip, tmp_path / "phone.mp4", matrix))
    assert len(frames) == 12
    assert (frames[5].image_bgr == expected(read_all(clip)[5].image_bgr)).all()
    assert frames[5].image_bgr.flags.c_contiguous


@pytest.mark.parametrize(
    ("matrix", "shown"), [((1, 0, 0, 1), Fraction(64, 45)), ((0, 1, -1, 0), Fraction(45, 64))]
)
def test_pixels_that_are_not_square_are_told(
    matrix: tuple[int, int, int, int], shown: Fraction, tmp_path: Path
) -> None:
    """16:9 in the 5:4 of PAL; turned by a quarter, its pixels are as much higher than wide."""
    path = write_clip(tmp_path / "a.mp4", 3, pixel_aspect=Fraction(64, 45))
    patch_header(path, tmp_path / "b.mp4", matrix)
    source = VideoFile(str(tmp_path / "b.mp4"))
    source.open()
    frames = list(source.frames(threading.Event()))
    source.close()
    assert {frame.pixel_aspect for frame in frames} == {shown} == {source.pixel_aspect}
    assert sorted(frames[0].size_wh) == sorted(SIZE_WH)  # pixels as they are stored


def test_metadata_that_is_not_utf8_is_no_obstacle(clip: Path, tmp_path: Path) -> None:
    """Old cameras write Latin-1; PyAV up to version 18 refuses that unless told otherwise."""
    data = clip.read_bytes()
    assert b"Lavf" in data  # the tag that names the program which wrote the file
    foreign = tmp_path / "foreign.mp4"
    foreign.write_bytes(data.replace(b"Lavf", b"L\xe9\xff\xfe"))
    assert len(read_all(foreign)) == 12


def test_cut_off_video_is_read_as_far_as_it_decodes(tmp_path: Path, caplog) -> None:
    whole = write_clip(
        tmp_path / "whole.mp4", 60, options={"g": "10"}, container_options={"movflags": "faststart"}
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with caplog.at_level(logging.WARNING):
        frames = read_all(cut)
    assert 5 < len(frames) < 60
    assert "cut off" in caplog.text and f"{len(frames)} of 60" in caplog.text


def test_pictures_held_back_when_reading_breaks_off_have_their_times(tmp_path: Path) -> None:
    """PyAV 18.1 gives no unit to the stamps of what a decoder is asked for without a packet."""
    path = write_clip(tmp_path / "clip.mp4", 12, options={"bf": "3", "g": "12"})

    def until_it_breaks(packets: Iterator[Any]) -> Iterator[Any]:
        yield from islice(packets, 8)
        raise av.error.InvalidDataError(1, "the rest is no video")

    with av.open(str(path)) as container:
        decoder = Decoder(container, container.streams.video[0], live=False)
        decoder.begin_at(until_it_breaks(container.demux(decoder.stream)))
        times_s = [picture.pts_s for picture in decoder.pictures()]
    assert decoder.cut_off
    assert len(times_s) == 8
    assert None not in times_s and times_s == sorted(times_s)


def test_transport_stream_cut_anywhere_is_read(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.ts", 30, options={"g": "5"})
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2 + 7])
    assert 3 < len(read_all(cut)) < 30


def test_damage_in_the_middle_does_not_end_the_video(tmp_path: Path, caplog) -> None:
    whole = write_clip(tmp_path / "whole.mp4", 60, options={"g": "6", "bf": "0"})
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    for packet in packets[20:23]:
        data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        frames = read_all(broken)
    assert len(frames) >= 54
    assert (np.abs(frames[-1].image_bgr.astype(int) - draw_scene(59)).mean()) < 8
    assert "damaged" in caplog.text or "cut off" in caplog.text


def test_size_may_change_in_the_middle(tmp_path: Path) -> None:
    # Two H.264 streams joined, as a stream does whose camera was set to another size.
    first = write_clip(tmp_path / "a.h264", 3, options={"bf": "0"})
    second = write_clip(tmp_path / "b.h264", 3, size_wh=(64, 64), options={"bf": "0"})
    joined = tmp_path / "c.h264"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    sizes = [frame.size_wh for frame in read_all(joined)]
    assert sizes == [SIZE_WH] * 3 + [(64, 64)] * 3


def test_stop_ends_reading(clip: Path) -> None:
    source = VideoFile(str(clip))
    stop = threading.Event()
    frames = source.frames(stop)
    next(frames)
    stop.set()
    assert list(frames) == []
    source.close()


def make_wav(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 800, "NONE", ""))
        sound.writeframes(b"\0\0" * 800)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("noise.mp4", np.random.default_rng(0).bytes(100_000)),
        ("text.txt", b"hello\n" * 1000),  # FFmpeg reads a .txt as a film of a terminal
        ("text.mp4", b"hello\n" * 1000),
        ("data.bin", bytes(range(256)) * 500),
        ("empty.mp4", b""),
        ("page.html", b"<!doctype html><title>404</title>"),
        ("data.json", b'{"a": 1}'),
        ("subtitles.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
    ],
)
def test_what_is_not_a_video_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_all(path)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    make_wav(tmp_path / "a.wav")
    with pytest.raises(UserError, match="holds only audio"):
        read_all(tmp_path / "a.wav")


def test_video_without_its_index_is_refused(clip: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-600])  # the index stands at the end of this file
    with pytest.raises(UserError, match="cut off before"):
        read_all(cut)


def test_file_address_is_a_file(clip: Path) -> None:
    assert isinstance(open_video(f"file://{clip}"), VideoFile)
