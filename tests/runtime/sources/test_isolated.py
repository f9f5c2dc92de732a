"""Sources in a process of their own: the same frames; processes that crash, hang, are killed."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.errors import MgcaError, SourceGoneError, UserError
from runtime.sources import Frame, Source
from runtime.sources.isolated import DecoderFailure, IsolatedSource, SourcePlan
from tests.support.clips import draw_scene
from tests.support.processes import started_processes
from tests.support.rtsp_server import RtspServer
from tests.support.streams import LONG_S, wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="--isolate needs Linux or macOS")


class Heard(IsolatedSource):
    """Keeps the events that it tells."""

    def __init__(self, plan: SourcePlan, **how: Any) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        super().__init__(plan, **how)
        self.on_event = lambda *event: self.told.append(event)


Make = Callable[..., Heard]


@pytest.fixture
def isolate() -> Iterator[Make]:
    """Makes isolated sources; afterwards none of them may have left a process."""
    made: list[Heard] = []
    pids: list[int] = []

    def make(kind: str, values: dict[str, Any], **how: Any) -> Heard:
        source = Heard(SourcePlan(kind, values), **how)
        made.append(source)
        pids.extend([] if source.pid is None else [source.pid])
        return source

    yield make
    for source in made:
        source.close()
    assert not [pid for pid in pids if is_running(pid)]


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that nobody has waited for is a leak as well."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def read(source: Source) -> list[Frame]:
    source.open()
    return list(source.frames(threading.Event()))


def assert_same(frames: list[Frame], others: list[Frame]) -> None:
    assert len(frames) == len(others) > 0
    for one, other in zip(frames, others, strict=True):
        assert np.array_equal(one.image_bgr, other.image_bgr)
        for name in ("index", "time_s", "stem", "path", "pixel_aspect"):
            assert getattr(one, name) == getattr(other, name)


def endless(size: str = "64x48") -> dict[str, Any]:
    """The values of a test pattern that gives every picture at once, for ever."""
    return {"mode": f"{size}@30", "live": False}


def test_a_video_is_the_same_from_the_other_process(isolate: Make, clip: Path) -> None:
    plan = SourcePlan("video", {"name": str(clip)})
    here, there = plan.build(), isolate("video", plan.values)
    assert_same(read(there), read(here))
    for name in ("kind", "name", "live", "fps", "frame_count", "pixel_aspect"):
        assert getattr(there, name) == getattr(here, name)
    assert there.input_paths() == [str(clip)] and there.pid is None
    assert len(read(there)) == 12  # it can be read again
    here.close()


def test_images_of_many_sizes_and_what_is_wrong_with_them(
    isolate: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, size in enumerate([(40, 30), (640, 480), (3, 5), (2, 2), (300, 200)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), draw_scene(number, size))
    cv2.imwrite(str(tmp_path / "5.png"), np.full((4, 6), 4095, np.uint16))
    (tmp_path / "6.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("text")
    plan = SourcePlan("images", {"patterns": [str(tmp_path)]})
    here, there = plan.build(), isolate("images", plan.values)
    assert_same(read(there), read(here))
    assert there.unreadable == here.unreadable == 1
    assert there.values == here.values == {"12 bits in 16": 1}
    assert there.passed_over == here.passed_over == [str(tmp_path / "notes.txt")]
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said[: len(said) // 2]) == sorted(said[len(said) // 2 :]) and len(said) == 6


def test_events_and_loops_come_over(isolate: Make, clip: Path) -> None:
    there = isolate("video", {"name": str(clip), "loop": True})
    there.open()
    frames = list(islice(there.frames(threading.Event()), 30))
    assert [frame.index for frame in frames] == list(range(30))
    assert there.pid is None  # who reads no more has ended it


@pytest.mark.parametrize(
    "values",
    [{"name": "/nowhere.mp4"}, {"name": __file__}, {"name": "nothing://host/x"}],
    ids=["missing", "text", "unknown address"],
)
def test_errors_are_those_of_the_source(isolate: Make, values: dict[str, Any]) -> None:
    told = []
    for make in (SourcePlan("video", values).build, lambda: isolate("video", values)):
        with pytest.raises(UserError) as caught:
            read(make())
        told.append((type(caught.value), str(caught.value), caught.value.exit_code))
    assert told[0] == told[1]


def test_a_camera_that_is_not_there_is_gone(isolate: Make) -> None:
    camera = isolate("camera", {"device": "/dev/video99", "reconnect_timeout_s": 0.3, "mode": {}})
    with pytest.raises(SourceGoneError, match=r"has not appeared within 0\.3 s"):
        read(camera)
    assert [kind for kind, *_ in camera.told] == ["source-lost"]


def test_an_end_comes_within_a_second(isolate: Make) -> None:
    source = isolate("test-pattern", {"mode": "64x48@0.01"})  # the second picture is far away
    stop = threading.Event()
    threads = threading.active_count()
    frames: list[Frame] = []

    def take() -> None:
        frames.extend(source.frames(stop))

    thread = threading.Thread(target=take)
    thread.start()
    wait_until(lambda: frames or source._next_index)
    stop.set()
    thread.join(LONG_S)
    assert not thread.is_alive() and len(frames) == 1 and threading.active_count() == threads


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGSEGV, "crashed (SIGSEGV)"), (signal.SIGKILL, "was killed (SIGKILL)")],
)
def test_a_process_that_crashes_ends_its_source(isolate: Make, number: int, says: str) -> None:
    source = isolate("test-pattern", endless())
    frames = source.frames(threading.Event())
    assert next(frames).index == 0
    assert source.pid is not None
    os.kill(source.pid, number)
    with pytest.raises(DecoderFailure) as caught:
        for _ in frames:  # those on their way may still come
            pass
    assert says in str(caught.value) and caught.value.exit_code == 1
    (event,) = source.told
    assert event[0] == "source-failed" and says in event[2]["reason"]
    assert source.pid is None


@pytest.mark.parametrize("moment", ["made", "opened"])
def test_one_killed_before_its_first_frame_fails_when_it_is_read(
    isolate: Make, clip: Path, moment: str
) -> None:
    source = isolate("video", {"name": str(clip)})
    if moment == "opened":
        source.open()
    assert source.pid is not None
    os.kill(source.pid, signal.SIGKILL)
    source.open()  # other streams are not kept from running
    with pytest.raises(DecoderFailure, match="before its first frame"):
        list(source.frames(threading.Event()))


@pytest.mark.slow
def test_one_may_be_killed_at_any_moment(isolate: Make, clip: Path) -> None:
    chance = random.Random(5)
    gc.collect()
    gc.disable()  # nothing may wait for it
    try:
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(15):
            source = isolate("video", {"name": str(clip), "loop": True})
            pid = source.pid
            assert pid is not None
            killer = threading.Timer(chance.uniform(0, 0.2), os.kill, (pid, signal.SIGKILL))
            killer.start()
            source.open()
            with pytest.raises(DecoderFailure, match="was killed"):
                list(source.frames(threading.Event()))
            killer.join(LONG_S)
        assert len(os.listdir("/proc/self/fd")) == descriptors
    finally:
        gc.enable()


def test_one_that_sleeps_is_ended(isolate: Make, tmp_path: Path) -> None:
    pipe = tmp_path / "silent.mp4"
    os.mkfifo(pipe)  # opening it waits for somebody who writes
    source = isolate("video", {"name": str(pipe)}, silence_s=0.5)
    source.open()
    with pytest.raises(DecoderFailure, match=r"no sign of life for 0\.5 s") as caught:
        list(source.frames(threading.Event()))
    assert caught.value.how == "hung"


def test_one_that_is_frozen_is_ended(isolate: Make) -> None:
    source = isolate("test-pattern", endless(), silence_s=0.5)
    frames = source.frames(threading.Event())
    next(frames)
    assert source.pid is not None
    os.kill(source.pid, signal.SIGSTOP)
    with pytest.raises(DecoderFailure, match="no sign of life"):
        list(frames)


def test_a_live_source_goes_on_in_a_fresh_process(
    isolate: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.sources.isolated.source.LONGEST_PAUSE_S", 0.01)
    source = isolate("test-pattern", {"mode": "64x48@100"})
    frames = source.frames(threading.Event())
    before = list(islice(frames, 3))
    assert source.pid is not None
    os.kill(source.pid, signal.SIGABRT)
    after = list(islice(frames, 40))
    indices = [frame.index for frame in before + after]
    times_s = [frame.time_s for frame in before + after]
    assert indices == sorted(set(indices)) and times_s == sorted(times_s)
    assert source.restarts == source.reconnects == 1
    assert [kind for kind, *_ in source.told] == ["source-lost", "source-back"]
    assert "crashed (SIGABRT)" in source.told[0][2]["reason"]
    frames.close()  # type: ignore[attr-defined]


def test_a_network_camera_goes_on_too(
    isolate: Make, camera_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.sources.isolated.source.LONGEST_PAUSE_S", 0.01)
    with RtspServer(camera_clip, frames=60, password="geheim") as server:
        url = server.url.replace("://", "://user:geheim@")
        source = isolate("video", {"name": url, "reconnect_timeout_s": 10})
        assert "geheim" not in Path(f"/proc/{source.pid}/cmdline").read_text()
        assert "geheim" not in f"{source.name} {source.plan!r}"
        frames = source.frames(threading.Event())
        next(frames)
        assert source.pid is not None
        os.kill(source.pid, signal.SIGKILL)
        while not source.restarts:
            assert next(frames).image_bgr.any()
        frames.close()  # type: ignore[attr-defined]
    assert source.reconnects == 1 and server.sessions >= 2


def test_one_that_can_never_be_started_is_gone(isolate: Make) -> None:
    source = isolate("test-pattern", {"mode": "64x48@100"})
    source.timer.timeout_s = 0.3

    start = source._start

    def start_in_vain(stop: threading.Event | None) -> None:
        start(stop)
        assert source.pid is not None
        os.kill(source.pid, signal.SIGKILL)

    source.close()
    source._start = start_in_vain  # type: ignore[method-assign]
    with pytest.raises(SourceGoneError, match="was killed"):
        list(source.frames(threading.Event()))


@pytest.mark.slow
def test_it_may_take_so_much_memory_and_no_more(isolate: Make, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9000, 9000), np.uint8))
    values = {"patterns": [str(tmp_path)]}
    source = isolate("images", values, memory_bytes=256 << 20)
    with pytest.raises(MgcaError):
        read(source)


OWNER = """
import sys, threading
from runtime.sources.isolated import IsolatedSource, SourcePlan
source = IsolatedSource(SourcePlan("test-pattern", {"mode": "64x48@30", "live": False}))
for frame in source.frames(threading.Event()):
    print(source.pid, flush=True)
    sys.stdin.read()
"""


def test_no_process_outlives_a_run_that_is_killed() -> None:
    command = [sys.executable, "-c", OWNER]
    with started_processes() as start:
        owner = start(command, stdin=subprocess.PIPE)
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert is_running(pid)
        owner.kill()
    status = Path(f"/proc/{pid}/status")
    # Where nobody waits for orphans, a dead one stays in the list.
    wait_until(lambda: not status.exists() or "State:\tZ" in status.read_text())


def test_a_process_that_speaks_nonsense_is_ended(isolate: Make) -> None:
    source = isolate("test-pattern", endless())
    assert source._process is not None
    source._process._waiting += json.dumps([1]).encode() + b"\n"
    with pytest.raises(DecoderFailure, match="nonsense"):
        list(source.frames(threading.Event()))
