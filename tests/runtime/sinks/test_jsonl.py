"""Lines of events among those of frames: at once, whole, in a file only from its first frame on."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import MgcaError
from runtime.events import Event
from runtime.segment.result import Result
from runtime.sinks.base import SegmentedFrame
from runtime.sinks.jsonl import JsonLines
from tests.support.clips import draw_scene, scene_labels
from tests.support.streams import LONG_S, wait_for_end


@pytest.fixture(scope="module")
def item() -> SegmentedFrame:
    from runtime.sources import Frame

    frame = Frame(0, 0.0, draw_scene(0), "000000", 1.0, 0.0)
    names = ("sky", "tree", "car")
    scores = np.zeros((3, 1, 1), np.float32)
    result = Result(scene_labels(0), names, None, {}, scores, np.arange(3, dtype="u1"), names, 1.0)
    return SegmentedFrame(frame, result, {"total": 1.0})


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_for_lines(path: Path, count: int) -> list[dict]:
    deadline = time.monotonic() + LONG_S
    while len(lines_of(path)) < count:
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.005)
    return lines_of(path)


def test_an_event_is_written_while_no_frame_comes(tmp_path: Path, item: SegmentedFrame) -> None:
    path = tmp_path / "a.jsonl"
    sink = JsonLines(str(path))
    sink.write(item)
    sink.note(Event("source-lost", "door", "gone", {"reason": "reset"}, at_s=5.0))
    frame, event = wait_for_lines(path, 2)
    assert "event" not in frame and frame["frame"] == 0
    assert event == {
        "event": "source-lost", "stream": "door", "at_s": 5.0, "text": "gone", "reason": "reset",
    }  # fmt: skip
    sink.close()
    assert sink.record() == {"path": str(path), "lines": 1, "events": 1}


def test_a_file_stays_until_the_first_frame_and_holds_what_came_before_it(
    tmp_path: Path, item: SegmentedFrame
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    sink = JsonLines(str(path))
    sink.note(Event("source-lost", "", "not there yet"))
    assert path.read_text() == "{}\n"
    sink.note(Event("source-back", "", "here"))
    sink.write(item)
    sink.close()
    assert [one.get("event") for one in lines_of(path)] == ["source-lost", "source-back", None]


def test_lines_of_many_threads_are_whole(tmp_path: Path, item: SegmentedFrame) -> None:
    path = tmp_path / "a.jsonl"
    sink = JsonLines(str(path))
    sink.write(item)

    def tell() -> None:
        for number in range(50):
            sink.note(Event("clock-stepped", "", "x" * 500, {"number": number}))

    threads = [threading.Thread(target=tell, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        sink.write(item)
    wait_for_end(*threads)
    sink.close()
    kinds = [one.get("event") for one in lines_of(path)]
    assert kinds.count(None) == 51 and kinds.count("clock-stepped") == 200
    sink.note(Event("source-lost", "", "after the end"))  # nobody is there to write it


def test_to_stdout_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    sink = JsonLines("-")
    sink.note(Event("source-lost", "", "not there yet"))
    sink.close()
    assert json.loads(capsys.readouterr().out)["event"] == "source-lost"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_fails_the_output_and_not_the_source(item: SegmentedFrame) -> None:
    sink = JsonLines("/dev/full")
    with pytest.raises(MgcaError, match="could not be written"):
        sink.write(item)
    for number in range(2000):
        sink.note(Event("source-lost", "", str(number)))
    with pytest.raises(MgcaError, match="could not be written"):
        sink.close()
    sink.close()
