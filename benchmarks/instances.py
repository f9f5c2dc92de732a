"""``python -m benchmarks.instances``: what a server gains from instances, threads and batches.

A serving system such as Triton runs several instances of a model side by side, gives each some
threads, and may put the requests of several clients into one batch. Here the same is done without
the server: sessions of ONNX Runtime on this machine's processors, each with a client that always
has the next frame ready. Batches are taken of the encoder, which is where the time goes; the whole
graph takes one frame, for every image finds units of its own.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.latency.encoder_cut import cut_encoder
from benchmarks.latency.machine import judge, read_state, warning_of
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.table import format_table
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import SEGMENTER_FILE, Bundle, load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError
from runtime.flag_values import number, whole_number

PROG = "python -m benchmarks.instances"
_WORDS = 20
_WANTED = ["class_scores", "unit_of_pixel"]

Run = Callable[[], object]


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure frames a second by instances and threads, and of the encoder by "
        "batch: the figures that choose a server's instance groups.",
        epilog=f"example:\n  {PROG} --bundle bundles/mine --instances 1,2,4 --json instances.json",
    )
    add = parser.add_argument
    add("--bundle", type=Path, help="folder made by python -m export (default: the demo's)")
    add("--instances", default="1,2,4", help="how many at a time, separated by commas (1,2,4)")
    add("--threads", default="1,2", help="inside each of them (1,2)")
    add("--batches", default="1,2,4,8", help="frames in one run of the encoder (1,2,4,8)")
    add("--seconds", type=number(0.05), default=3.0, help="of each measurement (3)")
    add("--rounds", type=whole_number(1), default=5, help="of all of them in turn (5)")
    add("--json", type=Path, help="write the figures to this file")
    return parser


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print two tables on stdout and write the JSON record.

    Raises:
        UserError: wrong arguments, or a graph in which no encoder can be told.
    """
    counts, threads, batches = (
        parse_counts(getattr(arguments, name), f"--{name}")
        for name in ("instances", "threads", "batches")
    )
    check_writable(arguments.json)
    bundle = load_bundle(arguments.bundle or DEMO_BUNDLE)
    load_before, before = read_state().load_average, read_state()
    with tempfile.TemporaryDirectory() as work:
        arrangements = open_instances(bundle, counts, threads)
        arrangements += open_batches(bundle, batches, Path(work))
        found = run_rounds(arrangements, arguments.rounds, arguments.seconds)
    machine = judge(load_before, before, read_state(), 0.0)
    record = {
        "instances": [one for one in found if "instances" in one],
        "batches": [one for one in found if "batch" in one],
        "words": _WORDS,
        "bundle": {"id": bundle.id, "precision": bundle.manifest.precision},
        "input_size_wh": list(bundle.manifest.input.size_wh),
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "machine": machine,
        **describe_measurement(arguments),
    }
    print(format_record(record))
    warning = warning_of(machine)
    if warning is not None:
        print(warning, file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, record)


def parse_counts(text: str, flag: str) -> list[int]:
    """``1,2`` -> [1, 2]; raises :class:`UserError`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= 256 for part in parts):
        raise UserError(f"{flag} '{text}': expected numbers from 1 to 256, such as 1,2,4")
    return sorted({int(part) for part in parts})


@dataclass(frozen=True)
class Arrangement:
    """One way to serve.

    Attributes:
        told: what it is, for the record.
        runs: one for each instance; called over and over, side by side.
        frames: in each call.
    """

    told: dict[str, int]
    runs: Sequence[Run]
    frames: int = 1


def open_instances(
    bundle: Bundle, counts: Sequence[int], threads: Sequence[int]
) -> list[Arrangement]:
    """The whole graph, so many times with so many threads each."""
    path = bundle.file(SEGMENTER_FILE)
    feeds = _feeds(bundle)
    opened = []
    for count, each in itertools.product(counts, threads):
        backends = [OnnxRuntimeBackend(path, "cpu", each) for _ in range(count)]
        runs = [partial(backend.run, feeds, _WANTED) for backend in backends]
        opened.append(Arrangement({"instances": count, "threads": each}, runs))
    return opened


def open_batches(bundle: Bundle, batches: Sequence[int], work: Path) -> list[Arrangement]:
    """The encoder with several frames in one run, on one thread."""
    frame = _feeds(bundle)["frame"]
    opened = []
    for batch in batches:
        path = work / f"encoder-{batch}.onnx"
        widen_batch(bundle, batch, path)
        backend = OnnxRuntimeBackend(path, "cpu", 1)
        run = partial(backend.run, {"frame": np.repeat(frame, batch, axis=0)})
        opened.append(Arrangement({"batch": batch}, [run], batch))
    return opened


def widen_batch(bundle: Bundle, batch: int, path: Path) -> None:
    """Write the encoder of a bundle as a graph that takes ``batch`` frames in one run.

    Raises:
        UserError: no package ``onnx``, or a graph in which no encoder can be told.
    """
    cut_encoder(bundle, path)
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    joined = {name for node in graph.node if node.op_type == "Concat" for name in node.input}
    for constant in graph.initializer:
        array = onnx.numpy_helper.to_array(constant)
        if constant.name in shapes and array[0] == 1:
            array = np.concatenate([[batch], array[1:]])
        elif constant.name in joined and array.ndim > 1 and array.shape[0] == 1:
            array = np.repeat(array, batch, axis=0)  # the class token, one a frame
        constant.CopyFrom(onnx.numpy_helper.from_array(array, constant.name))
    onnx.save(model, str(path))


def run_rounds(
    arrangements: Sequence[Arrangement], rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Every arrangement once a round, in an order drawn anew; medians over the rounds."""
    order = np.random.default_rng(0)
    rates: list[list[tuple[float, float]]] = [[] for _ in arrangements]
    for one in arrangements:
        for run in one.runs:
            run()
    for _ in tqdm(range(rounds), desc="rounds", leave=False, disable=None):
        for place in order.permutation(len(arrangements)):
            rates[place].append(_rate(arrangements[place], seconds))
    return [
        {
            **one.told,
            "frames_per_s": round(median(rate for rate, _ in found), 3),
            "cpu_ms_per_frame": round(median(cpu for _, cpu in found), 2),
        }
        for one, found in zip(arrangements, rates, strict=True)
    ]


def _rate(one: Arrangement, seconds: float) -> tuple[float, float]:
    """Frames a second of all instances together, and milliseconds of processor time for each."""
    ends: list[float] = []
    done: list[int] = []

    def serve(run: Run, until: float) -> None:
        count = 0
        while perf_counter() < until:
            run()
            count += 1
        done.append(count)
        ends.append(perf_counter())

    started, busy = perf_counter(), process_time()
    workers = [threading.Thread(target=serve, args=(run, started + seconds)) for run in one.runs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    frames = one.frames * sum(done)
    return frames / (max(ends) - started), 1000 * (process_time() - busy) / frames


def _feeds(bundle: Bundle) -> dict[str, np.ndarray]:
    width, height = bundle.manifest.input.size_wh
    draw = np.random.default_rng(0)
    text = draw.standard_normal((_WORDS, bundle.manifest.embedding_width)).astype(np.float32)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    return {"frame": draw.integers(0, 256, (1, height, width, 3), dtype=np.uint8), "text": text}


def format_record(record: dict[str, Any]) -> str:
    """The record as two tables."""
    instances = format_table(
        ("instances", "threads each", "frames/s", "CPU ms/frame"),
        [list(one.values()) for one in record["instances"]],
    )
    batches = format_table(
        ("frames in a run of the encoder", "frames/s", "CPU ms/frame"),
        [list(one.values()) for one in record["batches"]],
    )
    return f"{instances}\n\n{batches}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
