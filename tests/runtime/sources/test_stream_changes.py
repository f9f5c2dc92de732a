"""Live streams that change under way: size and codec, stamps that jump, a picture that stops."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from runtime.sources import StreamSource, VideoFile, decoding
from tests.runtime.sources.test_timing import patch_pes_stamp, write_near_the_wrap
from tests.support.clips import draw_scene, write_clip
from tests.support.streams import LONG_S
from tests.support.web import QuietHandler, serve_http


class Programme(QuietHandler):
    """Sends its parts, one a request, the last one again and again."""

    parts: list[bytes] = []
    asked = 0
    pause_s = 0.0

    def do_GET(self) -> None:
        number = min(type(self).asked, len(self.parts) - 1)
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        part = self.parts[number]
        try:
            for at in range(0, len(part), 188 * 20):
                self.wfile.write(part[at : at + 188 * 20])
                time.sleep(self.pause_s)
        except OSError:
            pass  # the reader went away


def watch(parts: list[bytes], count: int, until: str = "", pause_s: float = 0.0) -> Any:
    """Read ``count`` frames, or until a kind of event is told; frames, and events by kind."""

    class Handler(Programme):
        pass

    Handler.parts, Handler.pause_s = parts, pause_s
    told: list[tuple[str, dict[str, Any]]] = []
    frames, stop = [], threading.Event()
    alarm = threading.Timer(LONG_S, stop.set)
    alarm.start()
    with serve_http(Handler) as address:
        source = StreamSource(f"{address}/live.ts", live=True)

        def hear(kind: str, text: str, facts: dict[str, Any]) -> None:
            told.append((kind, facts))
            if kind == until:
                stop.set()

        source.on_event = hear
        for frame in source.frames(stop):
            frames.append(frame)
            if len(frames) == count:
                stop.set()
    alarm.cancel()
    return frames, told


def encode(folder: Path, name: str, **how: Any) -> bytes:
    return write_clip(folder / f"{name}.ts", 20, **how).read_bytes()


def test_a_size_and_a_codec_that_change_are_followed_and_told(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path, "a", options={"bf": "0"}),
        encode(tmp_path, "b", size_wh=(64, 48), codec="mpeg2video", fps=25),
    ]
    frames, told = watch(parts, 30)
    facts = dict(told)
    assert {frame.size_wh for frame in frames} == {(128, 96), (64, 48)}
    assert facts["size-changed"] == {"from_wh": [128, 96], "to_wh": [64, 48]}
    assert facts["codec-changed"] == {"from_codec": "h264", "to_codec": "mpeg2video"}
    kinds = [kind for kind, _ in told]
    assert kinds == ["source-lost", "codec-changed", "source-back", "size-changed"]


def test_a_size_that_changes_within_a_connection_is_told(tmp_path: Path) -> None:
    """The same stream of packets, with other parameter sets in it from some picture on."""
    how = {"options": {"bf": "0", "x264-params": "repeat-headers=1"}}
    joined = encode(tmp_path, "a", **how) + encode(tmp_path, "b", size_wh=(64, 48), **how)
    frames, told = watch([joined], 40)
    assert [frame.size_wh for frame in frames].count((64, 48)) >= 18
    assert told[0] == ("size-changed", {"from_wh": [128, 96], "to_wh": [64, 48]})


def test_a_size_that_changes_in_a_file_is_told(tmp_path: Path) -> None:
    how = {"options": {"bf": "0", "x264-params": "repeat-headers=1"}}
    path = tmp_path / "joined.ts"
    path.write_bytes(encode(tmp_path, "a", **how) + encode(tmp_path, "b", size_wh=(64, 48), **how))
    source, told = VideoFile(str(path)), []
    source.on_event = lambda kind, text, facts: told.append((kind, facts))
    sizes = [frame.size_wh for frame in source.frames(threading.Event())]
    assert sizes == [(128, 96)] * 20 + [(64, 48)] * 20
    assert told == [("size-changed", {"from_wh": [128, 96], "to_wh": [64, 48]})]


def test_stamps_that_start_over_after_26_hours_are_no_jump(tmp_path: Path) -> None:
    path = write_near_the_wrap(tmp_path / "a.ts", 2.0)
    frames, told = watch([path.read_bytes()], 38)
    assert len(frames) == 38 and told == []


def test_stamps_that_jump_move_no_time_of_a_live_stream(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", 40, fps=10, options={"bf": "0"})
    for number in range(9, 20):
        patch_pes_stamp(path, number, 9800.0)
    frames, told = watch([path.read_bytes()], 38)
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(times_s) and times_s[-1] < LONG_S
    steps_s = [facts["step_s"] for kind, facts in told if kind == "clock-stepped"]
    assert steps_s == pytest.approx([9800, -9800], abs=10)


def write_with_sound(path: Path, pictures: int, sound_s: float) -> bytes:
    """A transport stream whose pictures end before its sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        audio = container.add_stream("mp2", rate=48_000)
        for index in range(pictures):
            picture = av.VideoFrame.from_ndarray(draw_scene(index), format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for number in range(round(sound_s * 48_000 / 1152)):
            samples = np.zeros((1, 1152 * 2), np.int16)
            sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
            sound.rate, sound.pts = 48_000, number * 1152
            sound.time_base = Fraction(1, 48_000)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path.read_bytes()


def test_a_picture_that_stops_while_sound_goes_on_is_a_stall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read ends with each packet of the sound: no time-out of FFmpeg's sees this one."""
    monkeypatch.setattr(decoding, "SILENCE_S", 0.3)
    monkeypatch.setattr("runtime.sources.stream.ANALYSE_S", 0.1)
    frames, told = watch(
        [write_with_sound(tmp_path / "a.ts", 20, 60.0)], 1000, "source-stalled", pause_s=0.01
    )
    assert frames and told[-1][0] == "source-stalled"
    assert "no picture for" in told[-1][1]["reason"]
