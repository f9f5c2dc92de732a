"""Rules over a run: events, snapshots, zones of several streams, words and zones that change."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.errors import MgcaError
from runtime.events import Event
from runtime.live_words import change_words
from runtime.rules.rule import read_rule
from runtime.rules.snapshots import MARK, find_snapshots, write_snapshot
from runtime.rules.zone import change_zones, make_zone, read_zone
from runtime.segment.result import Result
from runtime.segment.segmenter import Segmenter
from runtime.sinks.alerts import Alerts
from runtime.sinks.base import RunFacts, SegmentedFrame
from runtime.sinks.claims import Claims
from runtime.sources.frame import Frame
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.clips import draw_scene, write_clip
from tests.support.processes import ENGINE, Run
from tests.support.streams import Keeper, Scenes

RIGHT = "right=0.5,0.5 1,0.5 1,1 0.5,1"
WORDS = ("--classes", "sky,tree,car", "--background", "none", "--smooth", "off")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds: a car that comes into the right half at 1 s, leaves it at 2 s."""
    return write_clip(tmp_path_factory.mktemp("drive") / "drive.mp4", 36)


def read_lines(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lines of frames, and those of events."""
    lines = [json.loads(one) for one in path.read_text().splitlines()]
    return [one for one in lines if "event" not in one], [one for one in lines if "event" in one]


def test_an_alert_begins_and_ends(
    run_here: Run, color_bundle: Path, drive: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--video", drive, *WORDS, "--bundle", color_bundle, *ENGINE, "--zone", RIGHT,
        "--alert", "car>0 in right", "--alert", "car>5% for 0.25s", "--alert", "car>1",
        "--snapshots", "snaps", "--jsonl", "a.jsonl", "--objects", "--report", "r.json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    frames, events = read_lines(tmp_path / "a.jsonl")
    told = [(one["event"], one["rule"], one["frame"]) for one in events]
    assert told == [
        ("alert-began", "car>5% for 0.25s", 3),  # 12 frames a second: 0, 1, 2, 3
        # its middle is in the zone from frame 12 on, then half a second
        ("alert-began", "car>0 in right", 18),
        ("alert-ended", "car>0 in right", 30),  # out of it with frame 24
    ]
    began, ended = events[1:]
    assert began["zone"] == "right" and began["value"] == 1.0 and began["time_s"] == 1.5
    assert began["class"] == "car" and began["stream"] == "cam0"
    assert ended["duration_s"] == 1.0 and ended["value"] == 0.0 and "snapshot" not in ended
    picture = cv2.imread(str(tmp_path / began["snapshot"]))
    assert picture.shape == (96, 128, 3)
    near = picture[48 + 20, 62:67].astype(int)  # across the zone's left side, on plain grass
    assert near.min(axis=1).max() > 180  # white
    assert len(list((tmp_path / "snaps").iterdir())) == 2
    [car] = [one for one in frames[0]["objects"] if one["name"] == "car"]
    assert car["box_xywh"] == [0, 60, 32, 24] and car["area"] == pytest.approx(1 / 16, rel=0.01)
    assert car["centroid_xy"] == pytest.approx([15.5, 71.5], abs=0.2)
    cars = [one["id"] for frame in frames for one in frame["objects"] if one["name"] == "car"]
    assert set(cars[:24]) == {car["id"]}
    report = json.loads((tmp_path / "r.json").read_text())
    record = report["outputs"]["alerts"]
    assert record["began"] == 2 and record["snapshots"] == 2
    assert record["active"] == ["car>5% for 0.25s"]
    assert report["events"]["counts"] == {"alert-began": 2, "alert-ended": 1}


def test_each_stream_has_its_zone(
    run_here: Run, color_bundle: Path, drive: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    os.link(drive, other)
    site = tmp_path / "site.toml"
    site.write_text(
        "[words]\nclasses = 'sky,tree,car'\nbackground = 'none'\n[sources]\nsmooth = 'off'\n"
        "[outputs]\njsonl = '{name}.jsonl'\nalert = ['car>0 in gate']\nsnapshots = 'snaps'\n"
        f"[[stream]]\nname = 'a'\nvideo = '{drive}'\nzone = 'gate=0,0.5 0.5,0.5 0.5,1 0,1'\n"
        f"[[stream]]\nname = 'b'\nvideo = '{other}'\n"
        f"zone = ['gate={RIGHT.partition('=')[2]}', 'unused=0,0 1,0 1,1']\n"
    )
    done = run_here("--config", site, "--bundle", color_bundle, *ENGINE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frames = {}
    for name in "ab":
        _, events = read_lines(tmp_path / f"{name}.jsonl")
        frames[name] = [(one["event"], one["frame"]) for one in events]
        assert {one["stream"] for one in events} == {name}
    assert frames["a"] == [
        ("alert-began", 6), ("alert-ended", 19), ("alert-began", 30),
    ]  # fmt: skip
    assert frames["b"] == [("alert-began", 18), ("alert-ended", 30)]
    names = sorted(one.name.split("_")[0] for one in (tmp_path / "snaps").iterdir())
    assert names == ["a", "a", "b"]


# In one process --------------------------------------------------------------------------------


class Hearing(Keeper):
    """Keeps the events as well."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)

    def told(self) -> list[tuple[str, str]]:
        return [(one.kind, str(one.facts.get("rule"))) for one in self.events]


def make_segmenter(color_bundle: Path) -> Segmenter:
    segmenter = Segmenter.load(color_bundle, "onnxruntime-cpu")
    segmenter.set_classes(["sky", "tree", "car"], background="none")
    return segmenter


def test_rules_wait_where_their_class_or_zone_is_gone(color_bundle: Path) -> None:
    segmenter = make_segmenter(color_bundle)
    rules = (read_rule("car>0 for 0s in all"), read_rule("tree>1%"))
    alerts = Alerts(rules, (read_zone("all=0,0 1,0 1,1 0,1"),))
    ears = Hearing()
    alerts.prepare(RunFacts((), (), "", stream="a"))
    stream = Stream(Scenes(0), segmenter, [alerts, ears], name="a")
    assert [zone.name for zone in stream.zones] == ["all"]

    def show(index: int) -> None:
        result = segmenter(draw_scene(0))
        alerts.write(segmented(stream, result, index))

    show(0)
    assert ears.told() == [("alert-began", "car>0 for 0s in all")]
    change_zones(stream, ())
    show(1)
    assert ears.told()[1:] == [
        ("zones-changed", "None"),
        ("alert-ended", "car>0 for 0s in all"),
        ("alert-waits", "car>0 for 0s in all"),
    ]
    change_zones(stream, (make_zone("all", [(0, 0), (0, 1), (1, 1)]),))  # as the page draws it
    show(2)
    assert [kind for kind, _ in ears.told()[4:]] == [
        "zones-changed", "alert-resumed", "alert-began",
    ]  # fmt: skip
    change_words(stream, ["sky", "tree"])
    show(3)
    assert [kind for kind, _ in ears.told()[7:]] == ["words-changed", "alert-ended", "alert-waits"]
    assert "car is not one of the classes" in ears.events[-1].text
    show(4)
    assert len(ears.events) == 10  # told once


def segmented(stream: Stream, result: Result, index: int) -> SegmentedFrame:
    """A segmented frame with its objects, a tenth of a second after the one before."""
    frame = Frame(index, index / 10, draw_scene(0), f"{index:06d}", 0.0, 0.0)
    item = SegmentedFrame(frame, result, {}, stream.style)
    item.objects = stream.tracker.follow(result, frame.time_s)
    return item


def test_no_frame_pays_for_objects_that_nobody_wants(color_bundle: Path) -> None:
    for rule, wanted in (("car>0", True), ("car>1%", False)):
        keeper = Keeper()
        stream = Stream(
            Scenes(3), make_segmenter(color_bundle), [Alerts((read_rule(rule),)), keeper]
        )
        Pipeline([stream]).run()
        assert [bool(item.objects) for item in keeper.items] == [wanted] * 3


def test_zones_alone_take_no_frames() -> None:
    alerts = Alerts((), (read_zone(RIGHT),))
    assert not alerts.takes_frames and alerts.summary() is None and alerts.record() is None


def test_a_picture_that_cannot_be_written_ends_no_alert(
    color_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "snaps").mkdir()
    alerts = Alerts(
        (read_rule("car>0 for 0s"), read_rule("tree>1% for 0s")), (), str(tmp_path / "snaps")
    )
    ears = Hearing()
    alerts.check(Claims([], tmp_path / "bundle", class_names=("car", "tree")))
    stream = Stream(Scenes(2), make_segmenter(color_bundle), [alerts, ears], name="a")
    (tmp_path / "snaps").rmdir()
    (tmp_path / "snaps").write_text("no folder")
    with caplog.at_level("WARNING"):
        Pipeline([stream]).run()
    assert [one.facts["snapshot"] for one in ears.events] == [None, None]
    [worker] = [one for one in stream.workers if one.sink is alerts]
    assert isinstance(worker.error, MgcaError) and "a picture is missing" in str(worker.error)
    assert len([one for one in caplog.messages if "a picture is missing" in one]) >= 1


def test_the_oldest_pictures_go(tmp_path: Path) -> None:
    foreign = tmp_path / "a_20200101T000000.000Z_000001.jpg"
    foreign.write_bytes(b"mine")
    other = write_snapshot(tmp_path, "ab", 1, np.zeros((4, 4, 3), np.uint8), 2)
    paths = [
        write_snapshot(tmp_path, "a", index, np.full((8, 8, 3), index, np.uint8), 2)
        for index in range(4)
    ]
    assert find_snapshots(tmp_path, "a") == paths[2:]
    assert foreign.exists() and other.exists() and not paths[1].exists()
    assert MARK in paths[3].read_bytes() and cv2.imread(str(paths[3])).shape == (8, 8, 3)


def test_the_picture_just_written_stays_when_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture_bgr, clock = np.zeros((4, 4, 3), np.uint8), time.time
    older = [write_snapshot(tmp_path, "a", index, picture_bgr, 2) for index in range(2)]
    monkeypatch.setattr("runtime.rules.snapshots.time.time", lambda: clock() - 3600.0)
    newest = write_snapshot(tmp_path, "a", 2, picture_bgr, 2)
    assert find_snapshots(tmp_path, "a") == [newest, older[1]]
