"""A new output is one class: here one of the test's own, on the command line, without any edit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.claims import Claims
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register, registered_sinks, unregister
from tests.support.processes import ENGINE, Run


class AreaLog(Sink):
    """One class's area, a line a frame."""

    key = "area_log"

    @dataclass(frozen=True)
    class Options:
        area_log: str | None = option("a class's area a frame: --area-log a.txt", metavar="FILE")
        area_class: str | None = option("which class: --area-class car", metavar="NAME")

    def __init__(self, path: str, name: str) -> None:
        self.file = OutputFile(path, "--area-log")
        self.name = name
        self.lines = 0

    @classmethod
    def from_options(cls, options: Options) -> AreaLog | None:
        if options.area_log is None:
            return None
        if options.area_class is None:
            raise UserError("--area-log needs --area-class NAME")
        return cls(options.area_log, options.area_class)

    def check(self, claims: Claims) -> None:
        self.file.check(claims)

    def write(self, item: SegmentedFrame) -> None:
        if self.file.handle is None:
            self.file.open()
        if self.name not in item.result.areas:
            raise MgcaError(f"--area-class {self.name} is not one of the classes")
        self.file.write_all(f"{item.result.areas[self.name]:.4f}\n".encode())
        self.file.publish()
        self.lines += 1

    def close(self) -> None:
        self.file.close()

    def record(self) -> dict[str, Any] | None:
        return {"path": self.file.given, "lines": self.lines} if self.lines else None

    def summary(self) -> tuple[str, str] | None:
        return "area log", os.path.abspath(self.file.given)


@pytest.fixture
def area_log() -> Iterator[type[Sink]]:
    yield register(AreaLog)
    unregister(AreaLog)


@pytest.fixture
def typed(clip: Path, color_bundle: Path) -> tuple[object, ...]:
    words = ("--classes", "sky,tree,car", "--background", "none")
    return ("--video", clip, "--bundle", color_bundle, *ENGINE, *words)


def test_the_outputs_that_are_there() -> None:
    keys = [sink.key for sink in registered_sinks()]
    assert keys == [
        "out", "record", "pictures", "label_dir", "label_video", "coco", "voc", "jsonl", "mqtt",
        "webhook", "alerts", "ros2", "report", "show", "serve",
    ]  # fmt: skip


def test_a_sink_of_ones_own_has_its_flags_report_and_summary(
    area_log, run_here: Run, typed: tuple[object, ...], tmp_path: Path
) -> None:
    log, report = tmp_path / "new" / "a.txt", tmp_path / "r.json"
    done = run_here(*typed, "--area-log", log, "--area-class", "sky", "--report", report)
    assert (done.returncode, done.stderr) == (0, "")
    areas = [float(line) for line in log.read_text().splitlines()]
    assert len(areas) == 12 and areas == pytest.approx([0.5] * 12, abs=0.05)
    outputs = json.loads(report.read_text())["outputs"]
    assert outputs == {"area_log": {"path": str(log), "lines": 12, "dropped": 0, "error": None}}
    assert done.stdout.splitlines()[0] == f"area log  {log}"


def test_it_stands_in_the_help_and_in_files(area_log, run_here: Run, capfd, tmp_path) -> None:
    with pytest.raises(SystemExit):
        run_here("--help")
    assert "--area-log FILE" in capfd.readouterr().out
    done = run_here("--area-log", "a.txt", "--area-class", "sky", "--print-config")
    assert 'area-log = "a.txt"' in done.stdout.partition("[outputs]")[2].partition("[running]")[0]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ("--area-log a.txt", 2, "--area-log needs --area-class NAME"),
        ("--area-log CLIP --area-class sky", 2, "is an input of this run"),
        ("--area-log BUNDLE/a.txt --area-class sky", 2, "lies in the bundle"),
        ("--area-log a --area-class sky --jsonl a", 2, "--jsonl and --area-log name the same file"),
        ("--area-log a.txt --area-class bus", 1, "--area-class bus is not one of the classes"),
    ],
)
def test_its_checks_are_part_of_the_run(
    area_log, run_here: Run, typed, clip: Path, color_bundle: Path, flags: str, code: int, says: str
) -> None:
    flags = flags.replace("CLIP", str(clip)).replace("BUNDLE", str(color_bundle))
    done = run_here(*typed, *flags.split())
    assert done.returncode == code and done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr


def test_two_sinks_cannot_have_one_flag_or_key(area_log) -> None:
    class Again(AreaLog):
        key = "area_log_2"

    with pytest.raises(ValueError, match="has an option 'area_log' already"):
        register(Again)
    with pytest.raises(ValueError, match="key 'area_log' is registered already"):
        register(AreaLog)
