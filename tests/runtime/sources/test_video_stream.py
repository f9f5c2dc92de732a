"""Which stream is the video: files with covers, previews and several pictures beside it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from runtime.errors import UserError
from runtime.sources import Frame, VideoFile
from tests.support.clips import draw_scene

COVER, DEFAULT, NONE = Disposition.attached_pic, Disposition.default, Disposition(0)


@dataclass
class Track:
    """A stream to write: how large, how many pictures, with which flags, in which codec."""

    size_wh: tuple[int, int]
    frames: int
    flags: Disposition = NONE
    codec: str = "libx264"


def write_tracks(path: Path, *tracks: Track, sound: bool = False) -> Path:
    """A container with the given video streams in this order, and a second of silence."""
    with av.open(str(path), "w") as container:
        streams = []
        for track in tracks:
            stream = container.add_stream(track.codec, rate=10)
            stream.width, stream.height = track.size_wh
            stream.pix_fmt = "yuvj420p" if track.codec == "mjpeg" else "yuv420p"
            stream.disposition = track.flags.value  # PyAV 17 takes no flags
            streams.append(stream)
        if sound:
            audio = container.add_stream("aac", rate=16000, layout="mono")
        for track, stream in zip(tracks, streams, strict=True):
            for index in range(track.frames):
                frame = av.VideoFrame.from_ndarray(draw_scene(index, track.size_wh), "bgr24")
                frame = frame.reformat(format=stream.pix_fmt)
                frame.pts, frame.time_base = index, Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        if sound:
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts, samples.time_base = 16000, 0, Fraction(1, 16000)
            container.mux(audio.encode(samples))
            container.mux(audio.encode(None))
    return path


def read_all(path: Path) -> list[Frame]:
    source = VideoFile(str(path))
    source.open()
    frames = list(source.frames(threading.Event()))
    source.close()
    return frames


@pytest.mark.parametrize(
    ("ending", "tracks"),
    [
        # A thumbnail in front, as iTunes and many editors write it: also a larger one.
        ("mp4", [Track((64, 48), 1, COVER, "mjpeg"), Track((128, 96), 8, DEFAULT)]),
        ("mp4", [Track((256, 192), 1, COVER, "mjpeg"), Track((128, 96), 8, DEFAULT)]),
        # A preview in front of the video that the file marks as default; it may be the larger one.
        ("mkv", [Track((32, 24), 8), Track((128, 96), 8, DEFAULT)]),
        ("mkv", [Track((160, 120), 8), Track((128, 96), 8, DEFAULT)]),
        # None marked, or all of them: the largest, wherever it stands.
        ("mkv", [Track((32, 24), 8), Track((128, 96), 8), Track((64, 48), 8)]),
        ("mkv", [Track((32, 24), 8, DEFAULT), Track((128, 96), 8, DEFAULT)]),
        ("ts", [Track((32, 24), 8), Track((128, 96), 8)]),
        # One picture beside a film is no film, even where a careless writer marks it.
        ("mp4", [Track((160, 120), 1, DEFAULT, "mjpeg"), Track((128, 96), 8, DEFAULT)]),
    ],
)
def test_the_video_is_taken_wherever_it_stands(
    ending: str, tracks: list[Track], tmp_path: Path
) -> None:
    """Truth: the streams' flags in FFmpeg's avformat.h, and what ffplay shows (FFmpeg 8.1)."""
    frames = read_all(write_tracks(tmp_path / f"a.{ending}", *tracks, sound=True))
    assert {frame.size_wh for frame in frames} == {(128, 96)}
    assert len(frames) == 8


def test_the_first_of_equals_is_taken(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", Track((64, 48), 3), Track((64, 48), 5))
    assert len(read_all(path)) == 3


def test_sound_with_a_cover_is_no_video(tmp_path: Path) -> None:
    cover = Track((64, 48), 1, COVER, "mjpeg")
    path = write_tracks(tmp_path / "song.mp4", cover, sound=True)
    with pytest.raises(UserError, match="only audio and a cover picture"):
        read_all(path)


def test_a_film_of_one_picture_is_still_a_film(tmp_path: Path) -> None:
    assert len(read_all(write_tracks(tmp_path / "a.mp4", Track((64, 48), 1, DEFAULT)))) == 1
