"""What a source goes on in spite of, told once each: sizes, codecs, clocks."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.sources.changes import ChangeWatch


class Clocks:
    """A time of day that can be set and a clock that cannot."""

    def __init__(self) -> None:
        self.now_s, self.set_by_s = 100.0, 1.7e9
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.watch = ChangeWatch(
            "camera 0",
            lambda kind, text, **facts: self.told.append((kind, facts)),
            wall=lambda: self.now_s + self.set_by_s,
            steady=lambda: self.now_s,
        )


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_size_and_a_codec_are_told_when_they_change(
    clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    for size_wh, codec in (((4, 3), "h264"), ((4, 3), "h264"), ((8, 6), "hevc"), ((8, 6), "hevc")):
        clocks.watch.see_codec(codec)
        clocks.watch.see_size(size_wh)
    assert clocks.told == [
        ("codec-changed", {"from_codec": "h264", "to_codec": "hevc"}),
        ("size-changed", {"from_wh": [4, 3], "to_wh": [8, 6]}),
    ]
    assert caplog.messages[1] == "camera 0: pictures are now 8x6, before 4x3"


@pytest.mark.parametrize("step_s", [-3600.0, -1.5, 1.5, 86_400.0])
def test_a_time_of_day_that_is_set_is_told_once(clocks: Clocks, step_s: float) -> None:
    clocks.watch.see_time()
    clocks.now_s += 0.1
    clocks.set_by_s += step_s
    for _ in range(2):
        clocks.watch.see_time()
    assert clocks.told == [("clock-stepped", {"clock": "system", "step_s": pytest.approx(step_s)})]


def test_a_clock_that_is_drawn_along_and_a_long_pause_are_no_step(clocks: Clocks) -> None:
    for _ in range(100):
        clocks.now_s += 60
        clocks.set_by_s += 0.03
        clocks.watch.see_time()
    assert clocks.told == []


def test_stamps_of_a_stream_that_jump_are_told_and_those_of_a_new_connection_are_not(
    clocks: Clocks,
) -> None:
    for stamp_s in (5.0, 5.1, 5.05, 5.2, 95.2, 95.3, 5.4, 5.5):
        clocks.watch.see_time(stamp_s)
        clocks.now_s += 0.1
    steps_s = [facts["step_s"] for _, facts in clocks.told]
    assert steps_s == pytest.approx([89.9, -90.0]) and clocks.told[0][1]["clock"] == "stream"
    clocks.watch.see_codec("h264")
    clocks.watch.see_time(1e6)
    assert len(clocks.told) == 2


def test_pictures_that_come_late_and_then_fast_are_no_jump(clocks: Clocks) -> None:
    for stamp_s, pause_s in ((0.0, 4.0), (0.1, 0.0), (0.2, 0.0), (4.0, 0.1)):
        clocks.watch.see_time(stamp_s)
        clocks.now_s += pause_s
    assert clocks.told == []
