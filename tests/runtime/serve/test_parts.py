"""The parts behind the page, each by itself: zones, clips, pixels, views, events, source states."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest

from runtime.draw.style import DrawingStyle
from runtime.events import Event
from runtime.segment.result import Result
from runtime.serve.clip import ClipRing, encode_clip
from runtime.serve.journal import MOST_EVENTS, Journal
from runtime.serve.painter import Painter
from runtime.serve.pixel import describe_pixel, outline
from runtime.serve.refusal import Refusal
from runtime.serve.source_state import SourceState
from runtime.serve.views import View, draw_view, encode_jpeg, fitting_width
from runtime.serve.zones import read_zones
from runtime.sinks.base import SegmentedFrame
from runtime.sources.frame import Frame

TRIANGLE = [[0, 0], [1, 0], [1, 1]]


@pytest.fixture
def item() -> SegmentedFrame:
    """A frame of 4 x 4 pixels: its left half is a car, its right half none; two units."""
    labels = np.full((4, 4), 255, np.uint8)
    labels[:, :2] = 0
    scores = np.array([[[0.5, 0.1]], [[0.1, 0.5]]], np.float32)
    result = Result(
        labels, ("car",), np.array([[7, 9]], np.int32), {}, scores,
        np.array([0, 255], np.uint8), ("car", "sky"), 20.0,
    )  # fmt: skip
    image_bgr = np.full((4, 4, 3), 100, np.uint8)
    return SegmentedFrame(Frame(0, 0.0, image_bgr, "0", 0.0, 0.0), result, {}, DrawingStyle())


# Zones ------------------------------------------------------------------------------------------


def test_zones_are_read() -> None:
    [zone] = read_zones([{"name": " the  yard ", "points": TRIANGLE}])
    assert zone.record() == {"name": "the yard", "points": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]}


@pytest.mark.parametrize(
    ("zones", "says"),
    [
        ("yard", "expected a list"),
        ([1], "expected an object with name and points"),
        ([{"name": "a"}], "expected an object with name and points"),
        ([{"name": "", "points": TRIANGLE}], "a text of 1 to 64 letters"),
        ([{"name": "a\x00b", "points": TRIANGLE}], "letters that can be read"),
        ([{"name": "a", "points": TRIANGLE[:2]}], "zone a: expected 3 to 64 points"),
        ([{"name": "a", "points": [[0, 0], [1, 0], [1, 1.01]]}], "no \\[x, y\\] inside"),
        ([{"name": "a", "points": [[0, 0], [1, 0], [1, True]]}], "no \\[x, y\\] inside"),
        ([{"name": "a", "points": [[0, 0], [1, 0], [float("nan"), 1]]}], "no \\[x, y\\] inside"),
        ([{"name": "a", "points": [[0, 0], [1, 0], [1]]}], "no \\[x, y\\] inside"),
        ([{"name": "a", "points": [[0, 0], [0.5, 0.5], [1, 1]]}], "lie on one line"),
        ([{"name": "a", "points": TRIANGLE}] * 2, "is there twice"),
        ([{"name": str(n), "points": TRIANGLE} for n in range(33)], "at most 32"),
    ],
)
def test_a_wrong_zone_is_refused(zones: Any, says: str) -> None:
    with pytest.raises(Refusal, match=says) as refused:
        read_zones(zones)
    assert refused.value.status == 422


# Clips ------------------------------------------------------------------------------------------


def test_a_ring_keeps_the_last_seconds_and_no_more_than_its_bytes() -> None:
    ring = ClipRing(seconds=2.0, most_bytes=1000)
    for at in range(6):
        ring.add(float(at), b"x" * 10)
    assert [at for at, _ in ring.pictures()] == [3.0, 4.0, 5.0]
    ring.add(6.0, b"x" * 995)
    assert [at for at, _ in ring.pictures()] == [6.0]


def test_a_clip_has_the_pictures_at_their_times() -> None:
    """Also where the size changes midway, is odd, or two pictures have one time."""
    levels = [0, 80, 160, 240]
    sizes = [(40, 30), (40, 30), (81, 61), (81, 61)]
    jpegs = [
        encode_jpeg(np.full((height, width, 3), level, np.uint8))
        for level, (width, height) in zip(levels, sizes, strict=True)
    ]
    video = encode_clip(list(zip([5.0, 5.5, 7.0, 7.0], jpegs, strict=True)))
    with av.open(io.BytesIO(video)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        frames = list(container.decode(video=0))
    assert [frame.to_ndarray(format="bgr24").mean() for frame in frames] == pytest.approx(
        levels, abs=4
    )
    assert [(frame.width, frame.height) for frame in frames] == [(80, 60)] * 4
    assert [float(frame.time) for frame in frames] == pytest.approx([0, 0.5, 2.0, 2.0], abs=0.01)


# Pixels and views -------------------------------------------------------------------------------


def test_a_pixel_tells_class_unit_and_words(item: SegmentedFrame) -> None:
    found = describe_pixel(item.result, 0.1, 0.9)
    assert (found["class"], found["unit"]) == ("car", 7)
    chance = 1 / (1 + np.exp(-0.4 * 20))
    assert found["words"][0] == {
        "word": "car", "class": "car", "similarity": 0.5, "probability": round(float(chance), 4)
    }  # fmt: skip
    assert [word["word"] for word in found["words"]] == ["car", "sky"]
    right = describe_pixel(item.result, 0.9, 0.1)
    assert (right["class"], right["unit"], right["words"][0]["class"]) == (None, 9, None)


def test_an_outline_runs_around_the_unit() -> None:
    mask = np.zeros((4, 4), bool)
    mask[1:3, :2] = True
    [rim] = outline(mask)
    xs, ys = zip(*rim, strict=True)
    assert (min(xs), max(xs)) == pytest.approx((0.03, 0.47), abs=0.01)
    assert (min(ys), max(ys)) == pytest.approx((0.28, 0.72), abs=0.01)


def test_views_show_what_they_say(item: SegmentedFrame) -> None:
    item.style = DrawingStyle(opacity=0.5, colors={"car": (200, 0, 0)})
    grey = [100, 100, 100]
    assert draw_view(item, View("picture")).tolist()[0] == [grey] * 4
    assert draw_view(item, View("overlay")).tolist()[0] == [[50, 50, 150]] * 2 + [grey] * 2
    assert draw_view(item, View("masks")).tolist()[0] == [[0, 0, 200]] * 2 + [[0, 0, 0]] * 2
    units = draw_view(item, View("units"))[0].tolist()
    assert units[0] == units[1] == units[3] == grey and units[2] != grey  # a line between them
    heat = draw_view(item, View("similarity", word="car")).astype(int).sum(axis=2)
    assert heat[0, 0] > 2 * heat[0, 3]
    gone = draw_view(item, View("similarity", word="bus"))
    assert gone.tolist() == draw_view(item, View("picture")).tolist()


def test_a_view_is_no_wider_than_asked_and_its_pixels_are_square(item: SegmentedFrame) -> None:
    wide = np.zeros((100, 1000, 3), np.uint8)
    item.frame = Frame(0, 0.0, wide, "0", 0.0, 0.0, pixel_aspect=Fraction(2))
    assert draw_view(item, View("picture", 320)).shape == (16, 320, 3)
    assert [fitting_width(width) for width in (1, 320, 321, 5000)] == [320, 320, 480, 960]


def test_a_jpeg_decodes() -> None:
    picture = np.full((8, 8, 3), 200, np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode_jpeg(picture), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.mean() == pytest.approx(200, abs=2)


def test_a_frame_that_cannot_be_drawn_is_told_at_the_next(item: SegmentedFrame) -> None:
    """Labels of another depth than labels have: the output fails, and is reported as one."""
    painter = Painter(lambda pictures: None)
    painter.start()
    item.result = replace(item.result, labels=item.result.labels.astype(np.float64))
    painter.offer(item)
    painter._thread.join(20)
    with pytest.raises(cv2.error):
        painter.offer(item)
    painter.close()


# Events and states ------------------------------------------------------------------------------


def test_a_journal_keeps_the_last_events_and_counts_all() -> None:
    journal = Journal()
    for _ in range(MOST_EVENTS + 5):
        journal.add(Event("source-lost", "yard", "rtsp://me:secret@host/a is away"))
    kept = journal.entries()
    assert (len(kept), kept[0].number, journal.counts) == (100, 6, {"source-lost": 105})
    assert journal.find(5) is None and journal.find(105) is kept[-1]
    assert [entry.number for entry in journal.entries(after=103)] == [104, 105]
    assert "secret" not in str(kept[-1].record())


def test_the_state_of_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("runtime.serve.source_state.time.monotonic", lambda: clock.now)
    state = SourceState()
    assert (state.word(True), state.is_ready()) == ("starting", False)
    state.saw_frame(100.0)
    assert (state.word(True), state.is_ready()) == ("running", True)
    clock.now = 106.0
    assert (state.word(True), state.word(False), state.is_ready()) == ("silent", "running", True)
    clock.now = 116.0
    assert not state.is_ready()
    state.heard(Event("source-lost", "yard", "away"))
    state.heard(Event("words-changed", "yard", "other words"))
    assert (state.word(True), state.is_ready()) == ("away", False)
    state.saw_frame(116.0)
    assert state.word(True) == "running" and state.is_ready()
    state.end()
    assert (state.word(True), state.is_ready()) == ("ended", False)
