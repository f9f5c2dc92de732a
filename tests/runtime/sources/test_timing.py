"""Time stamps that jump, stand still or are missing, and frame rates that make no sense."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest

from runtime.sources import VideoFile
from runtime.sources.decoding import PacketStamps
from runtime.sources.timing import LONGEST_GAP_S, PictureClock, measure_fps
from tests.support.clips import SIZE_WH, draw_scene, write_clip
from tests.support.processes import ENGINE, Run

TS_TICKS_S = 90_000


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 5.1, 5.2], [0.0, 0.1, 0.2]),
        ([None, None], [0.0, 0.1]),
        ([5.0, None, 5.25], [0.0, 0.1, 0.25]),
        ([5.0, 5.1, 3.0, 5.4], [0.0, 0.1, 0.2, 0.4]),  # back for one picture
        ([5.0, 5.1, 3.0, 3.1, 3.2], [0.0, 0.1, 0.2, 0.3, 0.4]),  # back for good
        ([5.0, 5.1, 9805.2, 5.3, 5.4], [0.0, 0.1, 0.2, 0.3, 0.4]),
        ([5.0, 5.1, 9805.2, 9805.3, 9805.4], [0.0, 0.1, 0.2, 0.3, 0.4]),
        ([5.0, 5.1, 9805.2, 9805.3, 5.4, 5.5], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ([9805.0, 5.1, 5.2, 5.3], [0.0, 0.1, 0.2, 0.3]),  # the first of all
        ([5.0, 5.1, 5.1, 5.2, 5.3], [0.0, 0.1, 0.2, 0.25, 0.3]),  # twice the same
        ([5.0, 5.1, 9.1, 9.2], [0.0, 0.1, 4.1, 4.2]),  # nothing to show for a while
    ],
)
def test_picture_clock(stamps: list[float | None], expected: list[float]) -> None:
    clock = PictureClock(fps=10)
    assert [clock.read(stamp) for stamp in stamps] == pytest.approx(expected)


def test_a_small_lone_jump_is_known_by_the_stamp_after_it() -> None:
    clock, stamps = PictureClock(fps=10), [0.0, 0.1, 3.2, 0.3, 0.4]
    times = [clock.read(stamp, stamps[at + 1 : at + 2]) for at, stamp in enumerate(stamps)]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("gap_s", LONGEST_GAP_S.values())
@pytest.mark.parametrize("shift_s", [9800.0, 30.0, 3.0, 0.7, -0.7, -3.0, -30.0, -9800.0])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 20])
def test_several_wrong_stamps_in_a_row(count: int, shift_s: float, gap_s: float) -> None:
    """They go away and come back: pictures keep their times, but for half a step at one of them."""
    clock, stamps = PictureClock(10, gap_s), [i / 10 for i in range(60)]
    for at in range(15, 15 + count):
        stamps[at] += shift_s
    times = [clock.read(one, stamps[at + 1 : at + 25]) for at, one in enumerate(stamps)]
    assert times == pytest.approx([i / 10 for i in range(60)], abs=0.051)
    assert times[-1] == pytest.approx(5.9) and times == sorted(set(times))


def test_what_comes_late_and_then_fast_keeps_its_times() -> None:
    """A network that stood still for 0.8 s: the pictures after it follow closer on each other."""
    stamps = [0.0, 0.1, *(0.9 + i / 40 for i in range(12)), 1.3, 1.4]
    clock = PictureClock(10)
    times = [clock.read(one, stamps[at + 1 : at + 25]) for at, one in enumerate(stamps)]
    assert times == pytest.approx(stamps)


def test_a_pause_before_pictures_of_another_order_is_believed() -> None:
    """Packets stand in the order of decoding: a picture behind is not one that comes back."""
    clock = PictureClock(10)
    for stamp_s, later_s in ((0.0, (0.3, 0.1, 0.2)), (0.1, (0.2,)), (0.2, ()), (4.0, (4.3, 4.1))):
        assert clock.read(stamp_s, later_s) == pytest.approx(stamp_s)


def test_a_gap_is_believed_as_long_as_the_format_lets_it_be() -> None:
    assert PictureClock(10, gap_s=600).gap_s == 600
    slow = PictureClock(fps=1 / 60)  # time lapse
    assert [slow.read(stamp) for stamp in (0.0, 60.0, 180.0)] == [0.0, 60.0, 180.0]


@pytest.mark.parametrize(
    ("stamps", "fps"),
    [
        ([], None),
        ([1.0, 1.0], None),
        ([0.0, 0.1, 0.4, 0.2, 0.3], 10.0),  # in the order of decoding
        ([0.0, 0.033, 0.067, 0.1, 5.0, 5.033], 30.075),  # a gap is no rate
    ],
)
def test_a_rate_is_measured(stamps: list[float], fps: float | None) -> None:
    assert measure_fps(stamps) == (None if fps is None else pytest.approx(fps))


def times_of(path: Path) -> tuple[list[float], float | None]:
    source = VideoFile(str(path))
    source.open()
    times_s = [frame.time_s for frame in source.frames(threading.Event())]
    source.close()
    return times_s, source.fps


def patch_pes_stamp(path: Path, number: int, shift_s: float) -> None:
    """Move the time stamp of one picture in an MPEG transport stream (its PES header)."""
    data, seen = bytearray(path.read_bytes()), -1
    for at in range(0, len(data), 188):
        start = data.find(b"\0\0\1\xe0", at, at + 188)
        if start < 0 or not data[at + 1] & 0x40:
            continue
        seen += 1
        if seen == number:
            stamp = data[start + 9 : start + 14]
            pts = (stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | (stamp[2] >> 1) << 15
            pts = pts | stamp[3] << 7 | stamp[4] >> 1
            pts += round(shift_s * TS_TICKS_S)
            data[start + 9] = stamp[0] & 0xF0 | (pts >> 30 & 7) << 1 | 1
            data[start + 10 : start + 12] = (((pts >> 15 & 0x7FFF) << 1) | 1).to_bytes(2, "big")
            data[start + 12 : start + 14] = (((pts & 0x7FFF) << 1) | 1).to_bytes(2, "big")
    assert seen > number
    path.write_bytes(data)


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """40 pictures, 10 a second."""
    path = tmp_path_factory.mktemp("stream") / "a.ts"
    return write_clip(path, 40, fps=10, options={"bf": "0"}).read_bytes()


@pytest.mark.parametrize("shift_s", [9800.0, -0.9, 3.0])
@pytest.mark.parametrize("count", [1, 2, 6, 20])
def test_wrong_stamps_in_a_transport_stream(
    count: int, shift_s: float, transport_stream: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(transport_stream)
    for number in range(9, 9 + count):
        patch_pes_stamp(path, number, shift_s)
    assert times_of(path)[0] == pytest.approx([i / 10 for i in range(40)], abs=1e-3)


def test_wrong_stamps_reach_no_overlay(
    transport_stream: bytes, tmp_path: Path, run_here: Run, color_bundle: Path
) -> None:
    """Whatever the stamps say, an MP4 of 40 pictures at 10 a second lasts four seconds."""
    path = tmp_path / "a.ts"
    path.write_bytes(transport_stream)
    for number in range(9, 20):
        patch_pes_stamp(path, number, 9800.0)
    done = run_here(
        "--video", path, "--bundle", color_bundle, *ENGINE, "--classes", "sky",
        "--out", tmp_path / "o.mp4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "o.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(4.0, abs=0.1)


def test_a_pause_in_a_recording_stays(tmp_path: Path) -> None:
    """A camera that sends nothing for three seconds, with B-frames before and after."""
    times_s = [i / 10 + (3.0 if i >= 20 else 0.0) for i in range(40)]
    path = write_clip(tmp_path / "a.mkv", 40, fps=10, times_s=times_s, options={"bf": "2"})
    assert times_of(path)[0] == pytest.approx(times_s, abs=2e-3)


def test_stamps_behind_a_packet() -> None:
    stamps = PacketStamps()
    for pts in (1, 4, None, 2, 3, 1, 5):
        stamps.add(SimpleNamespace(pts=pts, time_base=1))
    assert stamps.behind(4.0) == (2.0, 3.0, 1.0, 5.0)
    assert stamps.behind(1.0) == (5.0,)  # the last one of them
    assert stamps.behind(9.0) == stamps.behind(None) == ()


def test_transport_streams_joined_end_to_end(tmp_path: Path) -> None:
    """Each begins anew at 1.4 s, as ``cat a.ts b.ts`` leaves it."""
    part = write_clip(tmp_path / "a.ts", 8, fps=10, options={"bf": "0"})
    (tmp_path / "b.ts").write_bytes(part.read_bytes() * 3)
    times_s, _ = times_of(tmp_path / "b.ts")
    assert times_s == pytest.approx([i / 10 for i in range(24)], abs=2e-3)


def test_a_recording_that_states_1000_frames_a_second(tmp_path: Path) -> None:
    """Browsers' WebM has no frame rate: FFmpeg 8.1 reports its time base, 1000, as one."""
    times_s = [0.0, 0.033, 0.083, 0.114, 0.148, 0.179]
    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=1000, options={"deadline": "realtime"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time_s in times_s:
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert float(container.streams.video[0].average_rate) > 500
    read_s, fps = times_of(path)
    assert read_s == pytest.approx(times_s, abs=1e-3)
    assert fps == pytest.approx(30, abs=2)


def test_a_true_high_rate_is_believed(tmp_path: Path) -> None:
    times_s, fps = times_of(write_clip(tmp_path / "a.mp4", 10, fps=240))
    assert fps == 240 and times_s == pytest.approx([i / 240 for i in range(10)], abs=1e-4)


def write_near_the_wrap(path: Path, wraps_after_s: float, frames: int = 40) -> Path:
    """A transport stream at 10 pictures/s whose stamps, of 33 bits, start over at some picture."""
    begin = 2**33 - round(wraps_after_s * TS_TICKS_S)
    with av.open(str(path), "w", options={"mpegts_copyts": "1"}) as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = SIZE_WH[0], SIZE_WH[1], "yuv420p"
        for index in range(frames):
            picture = av.VideoFrame.from_ndarray(draw_scene(index), format="bgr24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            for packet in stream.encode(picture):
                shift_stamps(packet, begin)
                container.mux(packet)
        for packet in stream.encode(None):
            shift_stamps(packet, begin)
            container.mux(packet)
    return path


def shift_stamps(packet: av.Packet, ticks: int) -> None:
    """Move a packet's stamps, told in ticks of a transport stream."""
    scale = Fraction(packet.time_base) * TS_TICKS_S
    packet.pts, packet.dts = (round(one * scale) + ticks for one in (packet.pts, packet.dts))
    packet.time_base = Fraction(1, TS_TICKS_S)


@pytest.mark.parametrize("wraps_after_s", [0.5, 2.0, 3.85])
def test_stamps_of_33_bits_start_over_every_26_hours(wraps_after_s: float, tmp_path: Path) -> None:
    path = write_near_the_wrap(tmp_path / "a.ts", wraps_after_s)
    stamps = read_pes_stamps(path)
    assert max(stamps) > 2**33 - 60 * TS_TICKS_S and min(stamps) < 60 * TS_TICKS_S
    assert times_of(path)[0] == pytest.approx([i / 10 for i in range(40)], abs=1e-3)


def read_pes_stamps(path: Path) -> list[int]:
    """The time stamps as they stand in a transport stream, in its ticks."""
    data, stamps = path.read_bytes(), []
    for at in range(0, len(data), 188):
        start = data.find(b"\0\0\1\xe0", at, at + 188)
        if start >= 0 and data[at + 1] & 0x40:
            stamp = data[start + 9 : start + 14]
            high, middle = stamp[0] >> 1 & 7, stamp[1] << 7 | stamp[2] >> 1
            stamps.append(high << 30 | middle << 15 | stamp[3] << 7 | stamp[4] >> 1)
    return stamps
