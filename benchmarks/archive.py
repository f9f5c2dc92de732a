"""``python -m benchmarks.archive``: how ``runtime.archive`` scales, and what a kill costs.

Clips are drawn up from the demo clip's pictures (H.264, B-frames, open groups). One ``mgca-rt``
labels each of them, on as many processors as its threads; a local Ray labels them with several
workers of the same threads, before and after it in turn; and once more with a worker killed when
half of the frames are done. All outputs must be the same to the byte.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.latency.machine import judge, read_state, warning_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.archive.extra import need
from runtime.archive.join import join_label_videos
from runtime.command import CommandParser
from runtime.demo import demo_clip
from runtime.errors import MgcaError
from runtime.flag_values import whole_number
from runtime.sinks.label_video import TAG

PROG = "python -m benchmarks.archive"
CLASSES = "person,car,bus,tree,building,road,sky"
FPS = 25
OPEN_GROUPS = "open-gop=1:b-pyramid=normal:scenecut=0"
HOURS = 1000

__all__ = ["build_parser", "main", "measure"]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure how an archive on a local Ray scales, and what a kill costs.",
        epilog=f"example:\n  {PROG} --workers 2 --rounds 3 --json archive.json",
    )
    add = parser.add_argument
    add("--workers", type=whole_number(1), default=2, help="of the local Ray, 2")
    add("--threads", type=whole_number(1), default=1, help="of each, and of the one process, 1")
    add("--videos", type=whole_number(1), default=4, help="clips, 4")
    add("--frames", type=whole_number(50), default=300, help="of each clip, 300")
    add("--rounds", type=whole_number(1), default=3, help="one process and Ray in turn, 3")
    add("--smooth", default="auto", help="as for the archive: auto")
    add("--piece", default="4s", help="the length of a piece, 4s")
    add("--backend", default="onnxruntime-cpu", help="what runs the bundle: onnxruntime-cpu")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def write_clip(path: Path, frames: int, first: int) -> None:
    """The demo clip's pictures over and over, from one of them on, in open groups of 25."""
    import av

    with av.open(str(demo_clip())) as demo:
        pictures = [frame.to_ndarray(format="yuv420p") for frame in demo.decode(video=0)]
        width, height = demo.streams.video[0].width, demo.streams.video[0].height
    with av.open(str(path), "w") as clip:
        options = {"g": "25", "bf": "3", "x264-params": OPEN_GROUPS}
        stream: Any = clip.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = pictures[(first + index) % len(pictures)]
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))


@dataclass(frozen=True)
class Rate:
    """Frames, the seconds from the first to the last of each clip, processor time, starts too."""

    frames: int
    seconds: float
    cpu_s: float

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds

    def cpu_ms_without(self, start: Rate) -> float:
        """Processor time of a frame in milliseconds, that of the starts taken off."""
        return 1e3 * (self.cpu_s - start.cpu_s) / (self.frames - start.frames)


class Bench:
    """The clips in a folder, and what is run on them.

    Args:
        folder: where everything is put.
        arguments: the command's.
    """

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder = folder
        self.arguments = arguments
        self.videos = folder / "videos"
        self.videos.mkdir()
        for number in range(arguments.videos):
            write_clip(self.videos / f"{number}.mp4", arguments.frames, 13 * number)
        self.flags = ["--classes", CLASSES, "--smooth", arguments.smooth]
        self.flags += ["--backend", arguments.backend, "--threads", str(arguments.threads)]

    def run_one_process(self, out: Path, *, bound: bool, most: int | None = None) -> Rate:
        """Label every clip by ``mgca-rt``, one after another.

        Args:
            out: a folder to make, for its label videos.
            bound: on as many processors as it has threads, as a worker of Ray's has.
            most: frames of each clip, None for all.
        """
        out.mkdir()
        frames, seconds = 0, 0.0
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for video in sorted(self.videos.iterdir()):
            report = out / f"{video.name}.json"
            command = [sys.executable, "-m", "runtime", "--video", str(video), *self.flags]
            command += ["--quiet", "--label-video", str(out / f"{video.name}.mkv")]
            command += ["--report", str(report)]
            command += [] if most is None else ["--max-frames", str(most)]
            if bound:
                command = ["taskset", "-c", f"0-{self.arguments.threads - 1}", *command]
            _run(command)
            told = json.loads(report.read_text())
            frames += told["frames_processed"]
            seconds += told["frames_processed"] / told["fps"]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Rate(frames, seconds, cpu_s)

    def run_archive(
        self, out: Path, workers: int, disturb: Callable[[Path, int], bool] | None = None
    ) -> dict[str, Any]:
        """Label the clips on a local Ray; the run's summary.

        ``disturb`` is called over and over with the output folder and the run's process number,
        until it says that it is done.
        """
        command = [sys.executable, "-m", "runtime.archive", "--videos", str(self.videos)]
        command += ["--out", str(out), *self.flags, "--workers", str(workers)]
        command += ["--piece", self.arguments.piece]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while disturb is not None and process.poll() is None and not disturb(out, process.pid):
            time.sleep(0.05)
        try:
            _, stderr = process.communicate()
        finally:
            process.terminate()  # of one that has ended, nothing; else it ends its Ray
            process.wait()
        if process.returncode != 0:
            raise MgcaError(f"the archive ended with {process.returncode}: {stderr.decode()}")
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
        return summary

    def outputs(self, out: Path) -> dict[str, bytes]:
        """What an archive wrote of each clip, as bytes."""
        paths = [path for path in out.rglob("*") if path.is_file() and path.parent != out]
        return {str(p.relative_to(out)): p.read_bytes() for p in paths if p.suffix != ".json"}

    def one_process_outputs(self, out: Path) -> dict[str, bytes]:
        """The label videos of ``mgca-rt``, written anew as an archive writes them."""
        import av

        found = {}
        for path in sorted(out.glob("*.mp4.mkv")):
            name = f"{path.stem}/labels.mkv"
            with av.open(str(self.folder / "ray0" / name)) as other:
                tag = other.metadata[TAG]  # the command stands in mgca-rt's own
            joined = path.with_suffix(".joined")
            join_label_videos([path], joined, tag)
            found[name] = joined.read_bytes()
        return found


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MgcaError(f"{command[2:4]} ended with {done.returncode}: {done.stderr}")


class HalfwayKill:
    """Kills one worker of a run when half of its pieces' frames are done.

    Attributes:
        killed: the process number, None before.
    """

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.killed: int | None = None

    def __call__(self, out: Path, run: int) -> bool:
        """Whether a worker has been killed; kills one if it is time."""
        done = 0
        for path in [*out.rglob("video.json"), *(out / ".pieces").rglob("0*.json")]:
            try:
                done += json.loads(path.read_text())["frames"]
            except (OSError, ValueError):
                continue  # joined meanwhile
        workers = _workers_of(run)
        if 2 * done < self.frames or not workers:
            return False
        self.killed = workers[0]
        os.kill(self.killed, signal.SIGKILL)
        return True


def _workers_of(run: int) -> list[int]:
    """The processes below a run that label, by what Ray calls them."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, *_ in rows}

    def is_below(pid: int) -> bool:
        while pid in parents and pid != run:
            pid = parents[pid]
        return pid == run

    named = [int(row[0]) for row in rows if len(row) > 2 and row[2].startswith("ray::MapWorker")]
    return [pid for pid in named if is_below(pid)]


def run_all(bench: Bench) -> dict[str, Any]:
    """One process and Ray in turn, then Ray with a kill; what was measured."""
    arguments, folder = bench.arguments, bench.folder
    start = bench.run_one_process(folder / "start", bound=True, most=1)
    one, free, ray = [], [], []
    for number in range(arguments.rounds):
        ray.append(bench.run_archive(folder / f"ray{number}", arguments.workers))
        one.append(bench.run_one_process(folder / f"bound{number}", bound=True))
        free.append(bench.run_one_process(folder / f"free{number}", bound=False))
    kill = HalfwayKill(arguments.videos * arguments.frames)
    killed = bench.run_archive(folder / "killed", arguments.workers, kill)
    if kill.killed is None:
        raise MgcaError("no worker was killed: the run was over; give more --frames")
    expected = bench.outputs(folder / "ray0")
    labels = {name: content for name, content in expected.items() if name.endswith(".mkv")}
    ratios = [
        many["fps"] / (arguments.workers * single.fps)
        for many, single in zip(ray, one, strict=True)
    ]
    cpu_ms = statistics.median(1e3 * run["cpu_s"] / run["frames"] for run in ray)
    cpu_ms_one = statistics.median(run.cpu_ms_without(start) for run in one)
    fps = statistics.median(run["fps"] for run in ray)
    return {
        "fps": round(fps, 3),
        "fps_one_process": round(statistics.median(run.fps for run in one), 3),
        "fps_one_process_all_processors": round(statistics.median(run.fps for run in free), 3),
        "ratio": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "cpu_ms": round(cpu_ms, 3),
        "cpu_ms_one_process": round(cpu_ms_one, 3),
        "cpu_ratio": round(cpu_ms_one / cpu_ms, 4),
        "fps_killed": killed["fps"],
        "frames": arguments.videos * arguments.frames,
        "same_after_kill": bench.outputs(folder / "killed") == expected,
        "same_as_one_process": bench.one_process_outputs(folder / "bound0") == labels,
        f"estimate_worker_hours_per_{HOURS}_hours": round(
            HOURS * FPS / (fps / arguments.workers), 1
        ),
    }


def format_record(record: dict[str, Any]) -> str:
    """The record as a table, and what was compared."""
    rows = [
        ["one mgca-rt, as many processors as threads", record["fps_one_process"]],
        ["one mgca-rt, all processors", record["fps_one_process_all_processors"]],
        [f"Ray, {record['workers']} workers", record["fps"]],
        ["the same, one killed half-way", record["fps_killed"]],
    ]
    same = "the same" if record["same_after_kill"] else "NOT the same"
    equal = "the same" if record["same_as_one_process"] else "NOT the same"
    return (
        f"{format_table(['run', 'frames/s'], rows)}\n\n"
        f"Ray / (workers x one process): {record['ratio']:.2f} (median of {record['ratios']})\n"
        f"processor time of a frame: {record['cpu_ms']:.0f} ms on Ray, "
        f"{record['cpu_ms_one_process']:.0f} ms in one process\n"
        f"outputs after the kill: {same}; labels of one mgca-rt: {equal}"
    )


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record."""
    check_writable(arguments.json)
    need("ray", "pyarrow", "pandas")
    load_before, before = read_state().load_average, read_state()
    with tempfile.TemporaryDirectory(prefix="mgca-archive-") as folder:
        found = run_all(Bench(Path(folder), arguments))
    variation = statistics.pstdev(found["ratios"]) / found["ratio"]
    record = {
        **found,
        "workers": arguments.workers,
        "threads": arguments.threads,
        "machine": judge(load_before, before, read_state(), variation=variation),
        **describe_measurement(arguments, "av", "ray", "pyarrow"),
    }
    print(format_record(record))
    warning = warning_of(record["machine"])
    if warning:
        print(f"{PROG}: {warning}", file=sys.stderr)
    if arguments.json is not None:
        write_json(arguments.json, record)
    if not (record["same_after_kill"] and record["same_as_one_process"]):
        raise MgcaError("outputs differ; see above")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
