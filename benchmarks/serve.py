"""``python -m benchmarks.serve``: what the live page costs the machine, and the segmenter.

First the page alone: frames of the demo clip, segmented beforehand, are handed to ``--serve`` at a
camera's rate, and the process's processor time is read without a viewer, with one and with many.
Then a stream that segments as fast as it can, in rounds with viewers and without, in turns; the
same with words that have to be encoded. Viewers are a process of their own, which also takes time:
where the machine has no core to spare, the frames a second hold both. Processor time a frame, of
the streams' process alone, is what can be compared on a busy machine.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from benchmarks.scoring.bundle_under_test import BundleUnderTest, add_bundle_flags
from runtime import Segmenter
from runtime.command import CommandParser
from runtime.demo import DEMO_CLASSES, demo_clip
from runtime.errors import MgcaError
from runtime.flag_values import number, whole_number
from runtime.live_words import change_words
from runtime.serve.address import parse_address
from runtime.sinks.base import SegmentedFrame
from runtime.sinks.claims import Claims
from runtime.sinks.serve import LivePage
from runtime.sources.frame import Frame, Source
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream

PROG = "python -m benchmarks.serve"
VIDEO = "/api/streams/clip/video"
_PREPARED = 20
_PAUSE_BETWEEN_CHANGES_S = 0.5


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure what --serve costs with no viewer, one and many.",
        epilog=f"example:\n  {PROG} --viewers 20 --json serve.json",
    )
    add = parser.add_argument
    add_bundle_flags(add)
    add("--viewers", type=whole_number(1), default=20, help="how many are many (20)")
    add("--fps", type=number(0.1, 1000), default=10.0, help="of the page alone (10)")
    add("--seconds", type=number(0.2, 3600), default=10.0, help="of a round (10)")
    add("--rounds", type=whole_number(1), default=4, help="of each kind (4)")
    add("--json", type=Path, help="write the figures to this file")
    add("--watch", metavar="URL", help=argparse.SUPPRESS)
    return parser


class ClipLoop(Source):
    """The demo clip over and over, as a camera gives it.

    Args:
        pictures: BGR.
        fps: how many a second.
    """

    kind = "camera"
    live = True

    def __init__(self, pictures: Sequence[np.ndarray], fps: float) -> None:
        super().__init__("the demo clip")
        self.fps: float = fps
        self._pictures = pictures

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Frames at their times, until ``stop``."""
        started = time.perf_counter()
        index = 0
        while not stop.wait(max(0.0, started + index / self.fps - time.perf_counter())):
            yield frame_of(self._pictures, index, index / self.fps)
            index += 1


def frame_of(pictures: Sequence[np.ndarray], index: int, time_s: float) -> Frame:
    """Frame ``index`` of pictures that begin anew at their end."""
    picture = pictures[index % len(pictures)]
    return Frame(index, time_s, picture, f"{index:06d}", 0.0, time.perf_counter())


def read_clip() -> list[np.ndarray]:
    """The demo clip's pictures."""
    with av.open(str(demo_clip())) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def watch(url: str, viewers: int) -> None:
    """Read what so many viewers are sent, until stdin ends; says ``watching`` once all are."""
    place = urlsplit(url)
    assert place.hostname is not None
    chosen = selectors.DefaultSelector()
    request = f"GET {place.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(viewers):
        connection = socket.create_connection((place.hostname, place.port or 80))
        connection.sendall(request)
        status = connection.recv(len("HTTP/1.1 200"), socket.MSG_WAITALL).decode("latin-1")
        if not status.endswith(" 200"):
            raise MgcaError(f"a viewer was answered '{status}'; expected 200: fewer --viewers")
        connection.setblocking(False)
        chosen.register(connection, selectors.EVENT_READ)
    chosen.register(sys.stdin, selectors.EVENT_READ)
    print("watching", flush=True)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is sys.stdin:
                return
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.recv(1 << 18)


@contextmanager
def watching(url: str, viewers: int) -> Iterator[None]:
    """So many viewers, in a process of their own; none for 0."""
    if not viewers:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.serve", "--watch", url, "--viewers", str(viewers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        if process.stdout.readline() != b"watching\n":
            raise MgcaError(f"not all of {viewers} viewers are served; see above")
        try:
            yield
        finally:
            process.stdin.close()


@contextmanager
def open_page() -> Iterator[tuple[LivePage, str]]:
    """A page of its own at a free port, and its address."""
    page = LivePage(parse_address("127.0.0.1:0"), None)
    page.check(Claims([], "none"))
    assert page._server is not None
    try:
        yield page, page._server.url.rstrip("/")
    finally:
        page.close()


def measure_page(segmenter: Segmenter, arguments: argparse.Namespace) -> dict[str, Any]:
    """Processor time of the page alone, by the number of viewers; when the first picture comes."""
    pictures = read_clip()[:_PREPARED]
    results = [segmenter(picture) for picture in pictures]
    with open_page() as (page, url):
        source = ClipLoop(pictures, arguments.fps)
        stream = Stream(source, segmenter, [page], name="clip")

        def write(index: int) -> None:
            frame = frame_of(pictures, index, index / arguments.fps)
            result = results[index % len(results)]
            page.write(SegmentedFrame(frame, result, {"total": 1.0}, stream.style))

        page.begin(source)
        first_ms = time_first_picture(url, lambda: write(0))
        figures: dict[str, Any] = {"first_picture_ms": first_ms, "page_bytes": count_page_bytes()}
        for viewers in (0, 1, arguments.viewers):
            with watching(url + VIDEO, viewers):
                time.sleep(0.2)
                figures[f"cores_{viewers}"] = count_cores(write, arguments)
    return figures


def count_cores(write: Callable[[int], None], arguments: argparse.Namespace) -> float:
    """Processor seconds a second while frames are written at the rate."""
    started, used = time.perf_counter(), time.process_time()
    for index in range(max(2, round(arguments.fps * arguments.seconds))):
        time.sleep(max(0.0, started + index / arguments.fps - time.perf_counter()))
        write(index)
    return (time.process_time() - used) / (time.perf_counter() - started)


def time_first_picture(url: str, write: Callable[[], None]) -> float:
    """Milliseconds from the first frame to its picture at a viewer that waits for it."""
    place = urlsplit(url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80)) as viewer:
        viewer.sendall(f"GET {VIDEO} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        data = viewer.recv(1 << 16)  # the head of the answer: it waits now
        started = time.perf_counter()
        write()
        while b"\xff\xd9" not in data:  # the end of a JPEG
            data += viewer.recv(1 << 16)
        return (time.perf_counter() - started) * 1e3


def count_page_bytes() -> int:
    """What a browser loads before the first picture."""
    from runtime.serve.app import page_files

    return sum(map(len, page_files().values()))


def measure_segmenter(segmenter: Segmenter, arguments: argparse.Namespace) -> dict[str, Any]:
    """Frames a second of a stream that has all that it can take, with and without company."""
    with open_page() as (page, url):
        stream = Stream(ClipLoop(read_clip(), 60.0), segmenter, [page], name="clip")
        pipeline = Pipeline([stream])
        running = threading.Thread(target=pipeline.run)
        running.start()
        try:
            return take_turns(stream, url + VIDEO, arguments)
        finally:
            pipeline.stop.set()
            running.join()


def take_turns(stream: Stream, url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Rounds alone, with viewers, and with words that change, in turns."""
    rounds: dict[str, list[tuple[float, float]]] = {"alone": [], "viewers": [], "words": []}
    changes_ms: list[float] = []
    while stream.statistics.frames_processed < 3:
        time.sleep(0.05)
    for _ in range(arguments.rounds):
        rounds["alone"].append(count_rate(stream, arguments.seconds))
        with watching(url, arguments.viewers):
            rounds["viewers"].append(count_rate(stream, arguments.seconds))
        with changing_words(stream, changes_ms):
            rounds["words"].append(count_rate(stream, arguments.seconds))
    fps, used_ms = (
        {name: float(np.mean([one[at] for one in values])) for name, values in rounds.items()}
        for at in (0, 1)
    )
    return {
        "fps": fps,
        "processor_ms": used_ms,
        "rounds": rounds,
        "change_ms": float(np.median(changes_ms)),
        "changes": len(changes_ms),
    }


def count_rate(stream: Stream, seconds: float) -> tuple[float, float]:
    """Frames a second over a while, between the ends of two frames, and processor ms a frame."""
    statistics = stream.statistics
    await_frame(stream)
    first, started, used = statistics.frames_processed, time.perf_counter(), time.process_time()
    time.sleep(seconds)
    await_frame(stream)
    frames = statistics.frames_processed - first
    used_ms = (time.process_time() - used) * 1e3
    return frames / (time.perf_counter() - started), used_ms / frames


def await_frame(stream: Stream) -> None:
    """Wait for the end of the next frame."""
    last = stream.statistics.frames_processed
    while stream.statistics.frames_processed == last:
        time.sleep(0.002)


@contextmanager
def changing_words(stream: Stream, times_ms: list[float]) -> Iterator[None]:
    """Meanwhile a word that was never encoded is added twice a second."""
    ended = threading.Event()

    def change() -> None:
        while not ended.wait(_PAUSE_BETWEEN_CHANGES_S):
            started = time.perf_counter()
            word = f"car number {len(times_ms)}"
            change_words(stream, [*DEMO_CLASSES, word], allow_unknown=True)
            times_ms.append((time.perf_counter() - started) * 1e3)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def format_record(record: dict[str, Any]) -> str:
    """The record as tables."""
    page, turns, many = record["page"], record["segmenter"], record["viewers"]
    rows: list[list[object]] = [
        [f"{viewers} viewers", 100 * page[f"cores_{viewers}"]] for viewers in (0, 1, many)
    ]
    alone = format_table([f"the page alone, {record['fps']:g} frames/s", "% of a core"], rows)
    fps, used_ms = turns["fps"], turns["processor_ms"]
    names = {"alone": "alone", "viewers": f"{many} viewers", "words": "words that change"}
    rates: list[list[object]] = [
        [text, fps[name], used_ms[name], used_ms[name] / used_ms["alone"]]
        for name, text in names.items()
    ]
    head = ["a stream as fast as it can", "frames/s", "processor ms a frame", "ratio"]
    return "\n\n".join(
        (
            alone,
            format_table(head, rates),
            f"first picture {page['first_picture_ms']:.1f} ms after the first frame; "
            f"page {page['page_bytes']} bytes; a change of words {turns['change_ms']:.1f} ms",
        )
    )


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print tables on stdout and write the JSON record."""
    if arguments.watch is not None:
        watch(arguments.watch, arguments.viewers)
        return
    check_writable(arguments.json)
    subject = BundleUnderTest(arguments.bundle, arguments.backend, arguments.threads)
    subject.segmenter.set_classes(list(DEMO_CLASSES))
    record = {
        "viewers": arguments.viewers,
        "fps": arguments.fps,
        "page": measure_page(subject.segmenter, arguments),
        "segmenter": measure_segmenter(subject.segmenter, arguments),
        "bundle": subject.describe(),
        **describe_measurement(arguments, "starlette", "uvicorn", "websockets"),
    }
    print(format_record(record))
    if arguments.json is not None:
        write_json(arguments.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
