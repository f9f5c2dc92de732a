"""``benchmarks.hostile_streams``: cases that a seed determines, ends that are told apart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.hostile_streams.__main__ import count, format_record, main
from benchmarks.hostile_streams.cases import Case, make_case
from benchmarks.hostile_streams.damage import DAMAGES, splice
from benchmarks.hostile_streams.media import PICTURES, VIDEOS, turn
from benchmarks.hostile_streams.trial import FAULTS, OUTCOMES, Outcome, check_frame, try_case
from runtime.sources import Frame
from runtime.sources.plan import SourcePlan
from tests.support.clips import write_clip

LIMITS: dict[str, Any] = {"silence_s": 10.0, "limit_s": 30.0, "memory_bytes": 2 << 30}
CONTENT = bytes(range(256)) * 20


def label(image_bgr: np.ndarray) -> np.ndarray:
    return np.zeros(image_bgr.shape[:2], np.uint8)


@pytest.fixture
def media(tmp_path: Path, clip: Path) -> dict[str, Path]:
    picture = tmp_path / "picture.png"
    picture_kind = next(kind for kind in PICTURES if kind.name.startswith("png"))
    picture_kind.write(picture)
    return {"mp4 h264": clip, picture_kind.name: picture}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_determined_by_its_seed(name: str) -> None:
    damaged = [DAMAGES[name](CONTENT, random.Random(seed)) for seed in (1, 1, 2, 3)]
    assert damaged[0] == damaged[1] and all(damaged)
    assert (len(set(damaged)) == 1) == (name == "none")


def test_a_splice_has_the_one_beginning_and_the_other_end() -> None:
    spliced = splice(b"a" * 99, b"b" * 99, random.Random(4))
    assert set(spliced) == set(b"ab") and spliced == bytes(sorted(spliced))


def test_a_case_is_determined_by_number_and_seed(media: dict[str, Path], tmp_path: Path) -> None:
    def facts(number: int, seed: int, place: str) -> tuple[str, str, bytes]:
        case = make_case(number, seed, media, tmp_path / place)
        (file,) = case.folder.iterdir()
        return case.media, case.damage, file.read_bytes()

    assert facts(3, 1, "a") == facts(3, 1, "b")
    assert len({facts(number, 1, f"c{number}") for number in range(20)}) > 15


def test_kinds_have_names_of_their_own() -> None:
    names = [kind.name for kind in VIDEOS] + [kind.name for kind in PICTURES]
    assert len(names) == len(set(names)) > 55


def test_a_turned_file_is_shown_turned(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 2, size_wh=(64, 48))
    turn(path)
    case = Case("mp4 turned", "none", SourcePlan("video", {"name": str(path)}), tmp_path)
    shapes = []

    def note_shape(image_bgr: np.ndarray) -> np.ndarray:
        shapes.append(image_bgr.shape[:2])
        return label(image_bgr)

    outcome = try_case(case, note_shape, **LIMITS)
    assert outcome == Outcome("frames", 2) and shapes == [(64, 48)]


@pytest.mark.parametrize(
    ("name", "kind"), [("whole", "frames"), ("text", "error"), ("missing", "error")]
)
def test_ends_are_told_apart(clip: Path, tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "text").write_text("no video")
    path = clip if name == "whole" else tmp_path / name
    case = Case("mp4", "none", SourcePlan("video", {"name": str(path)}), tmp_path)
    outcome = try_case(case, label, **LIMITS)
    assert outcome.kind == kind and (outcome.frames > 0) == (not outcome.text) == (kind == "frames")


def test_a_traceback_is_a_fault_and_counted(clip: Path, tmp_path: Path) -> None:
    def fail(image_bgr: np.ndarray) -> np.ndarray:
        raise ValueError("bad")

    case = Case("mp4 h264", "none", SourcePlan("video", {"name": str(clip)}), tmp_path)
    outcome = try_case(case, fail, **LIMITS)
    assert outcome == Outcome("fault", 0, "ValueError: bad")
    counted = count([(case, outcome), (case, Outcome("frames", 7)), (case, Outcome("hung"))])
    assert counted["outcomes"] == dict.fromkeys((*OUTCOMES, *FAULTS), 0) | {
        "frames": 1, "hung": 1, "fault": 1,
    }  # fmt: skip
    assert counted["frames"] == 7 and counted["faults"] == ["1 x fault: ValueError: bad"]
    assert counted["by_media"] == {"mp4": {"fault": 1, "frames": 1, "hung": 1}}
    shown = format_record({**counted, "cases": 3, "seed": 1, "seconds": 2.0})
    assert "ValueError: bad" in shown and "3 cases of seed 1" in shown


def test_frames_that_no_source_gives_are_faults() -> None:
    good = Frame(1, 0.5, np.zeros((2, 2, 3), np.uint8), "1", 0.0, 0.0)
    bad: list[Callable[[], None]] = [
        lambda: check_frame(good, good),
        lambda: check_frame(Frame(2, 0.5, good.image_bgr, "2", 0.0, 0.0), good),
        lambda: check_frame(Frame(2, 1.0, good.image_bgr[..., 0], "2", 0.0, 0.0), good),
        lambda: check_frame(Frame(2, float("nan"), good.image_bgr, "2", 0.0, 0.0), None),
    ]
    check_frame(good, None)
    for check in bad:
        with pytest.raises(AssertionError):
            check()


@pytest.mark.slow
def test_a_short_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hostile.json"
    flags = ["--backend", "onnxruntime-cpu", "--threads", "1", "--json", str(path)]
    assert main(["--cases", "12", "--seed", "1", *flags]) == 0
    record = json.loads(path.read_text())
    assert sum(record["outcomes"].values()) == record["cases"] == 12
    assert not any(record["outcomes"][kind] for kind in FAULTS)
    assert "12 cases of seed 1" in capsys.readouterr().out
