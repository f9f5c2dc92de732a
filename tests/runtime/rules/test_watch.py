"""When alerts begin and end, in the frames' own time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runtime.rules.watch import Watch


def turns(watch: Watch, frames: Sequence[tuple[float, bool]]) -> list[float]:
    """The times at which it begins or ends."""
    return [time_s for time_s, holds in frames if watch.update(holds, time_s)]


def at_ten_fps(holds: str) -> list[tuple[float, bool]]:
    return [(index / 10, sign == "x") for index, sign in enumerate(holds)]


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ("..xxxxxxxx", [0.7]),  # half a second after the first
        ("..xxxxx.xx", []),  # not for long enough
        ("xxxxxx....", [0.5]),
        ("xxxxxx..xx......", [0.5, 1.5]),  # an end that does not last is none
        (".", []),
    ],
)
def test_half_a_second_both_ways(holds: str, expected: list[float]) -> None:
    assert turns(Watch(0.5), at_ten_fps(holds)) == pytest.approx(expected)


def test_without_a_duration_each_frame_counts() -> None:
    assert turns(Watch(0.0), at_ten_fps(".x.xx.")) == pytest.approx([0.1, 0.2, 0.3, 0.5])


def test_dropped_frames_change_nothing() -> None:
    every = at_ten_fps("." * 10 + "x" * 40 + "." * 40)
    for step in (1, 2, 5):
        assert turns(Watch(1.0), every[::step]) == pytest.approx([2.0, 6.0])


def test_a_clock_that_jumps_is_no_time_that_was_seen() -> None:
    watch = Watch(5.0)
    frames = [(0.0, True), (1.0, True), (3600.0, True), (3601.0, True), (3602.0, True)]
    assert turns(watch, frames) == []  # 1 + 1 + 1 + 1 seconds
    assert watch.update(True, 3603.0)


def test_a_clock_that_goes_back_is_no_time_at_all() -> None:
    watch = Watch(1.0)
    frames = [(100.0, True), (100.5, True), (0.0, True), (0.4, True)]
    assert turns(watch, frames) == []
    assert watch.update(True, 0.5)
    assert turns(watch, [(0.6, False), (0.0, False), (0.9, False)]) == []
    assert watch.update(False, 1.1) and not watch.active


def test_how_long_it_lasted() -> None:
    watch = Watch(0.2)
    turns(watch, at_ten_fps("xxxxx..."))  # from 0.2 to 0.7
    assert not watch.active and watch.lasted_s == pytest.approx(0.5)


def test_it_can_be_stopped() -> None:
    watch = Watch(0.2)
    assert not watch.stop()
    turns(watch, at_ten_fps("xxx"))
    assert watch.active and watch.stop() and not watch.active
    assert turns(watch, [(1.0, True), (1.1, True), (1.2, True)]) == [1.2]
