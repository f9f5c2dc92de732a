"""``python -m benchmarks.latency``: from the flags to a table and a record."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.latency.contestant import WholeFrames
from benchmarks.latency.flags import build_parser, settle
from benchmarks.latency.footage import check_inputs, repeat_frames
from benchmarks.latency.frame_times import run_ahead, time_frames
from benchmarks.latency.gate import check_alike, hold_to, read_old
from benchmarks.latency.graph_file import count_flops
from benchmarks.latency.live import LiveSettings, describe_streams, run_streams
from benchmarks.latency.machine import judge, read_state, warning_of
from benchmarks.latency.matrix_rate import describe_share, measure_rates
from benchmarks.latency.rivals import describe_rounds, open_rivals, read_names, run_rounds
from benchmarks.latency.start import (
    Opened,
    describe_start,
    open_segmenter,
    run_first_frame,
    time_word_changes,
)
from benchmarks.latency.text import format_record
from benchmarks.latency.trace import Trace
from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from benchmarks.record.percentiles import METHOD
from runtime.errors import UserError
from runtime.sources import Frame
from runtime.stream.statistics import STAGES, read_peak_rss_mib

_SUBJECT = "this"


def measure(arguments: argparse.Namespace) -> None:
    """Measure, print a table on stdout and write the JSON record.

    Raises:
        UserError: wrong arguments, or an earlier record that cannot be compared.
        MgcaError: slower than ``--compare`` allows; all is written before.
    """
    settle(arguments)
    names = read_names(arguments.against)
    old = None if arguments.compare is None else read_old(arguments.compare)
    check_writable(arguments.json)
    check_writable(arguments.trace, "--trace")
    video = check_inputs(arguments.video, arguments.classes)
    trace = Trace()
    load_before = read_state().load_average
    opened = open_segmenter(arguments, arguments.bundle, arguments.backend, trace)
    with closing(opened), closing(repeat_frames(video)) as frames:
        if old is not None and not arguments.compare_anyway:
            check_alike(old, _describe_subject(arguments, opened), arguments.compare)
        record = _measure_frames(arguments, opened, frames, load_before, trace)
        record["live"] = _live(arguments, opened, video)
        record["matrix_rate"] = _matrix_rate(arguments, opened, record)
        record["against"] = _against(arguments, names, opened, frames, trace)
    print(format_record(record))
    warning = warning_of(record["machine"])
    if warning is not None:
        print(warning, file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, record)
    if arguments.trace:
        trace.write(arguments.trace, describe_measurement(arguments))
    if old is not None:
        anyway = arguments.compare_anyway
        limit = arguments.max_p95_ratio
        verdict = hold_to(old, record, arguments.compare, limit, anyway=anyway)
        print(verdict, file=sys.stderr)


def _measure_frames(
    arguments: argparse.Namespace,
    opened: Opened,
    frames: Iterator[Frame],
    load_before: float | None,
    trace: Trace,
) -> dict[str, Any]:
    """The start, the stages, the memory and the machine: all but what is run beside."""
    segmenter = opened.segmenter
    run_first_frame(opened, frames, trace)
    changes = time_word_changes(arguments, segmenter, frames, trace)
    run_ahead(segmenter, frames, arguments.warmup)
    before = read_state()
    clock, size_wh = time_frames(segmenter, frames, arguments.frames, arguments.duration, trace)
    after = read_state()
    stages_ms = clock.to_record()
    return {
        "stages_ms": {stage: stages_ms[stage] for stage in STAGES},
        "fps": round(1000 / stages_ms["total"]["mean"], 2),
        **_describe_subject(arguments, opened),
        "frames": len(clock.times_ms["total"]),
        "source_size_wh": list(size_wh),
        **describe_start(opened.times_ms | changes),
        "memory_mib": {"loaded": opened.loaded_mib, "peak": read_peak_rss_mib()},
        "machine": judge(load_before, before, after, stages_ms["infer"]["cv"]),
    }


def _describe_subject(arguments: argparse.Namespace, opened: Opened) -> dict[str, Any]:
    """What is measured, and with what."""
    segmenter, manifest = opened.segmenter, opened.segmenter.bundle.manifest
    return {
        "backend": segmenter.backend.name,
        "provider": segmenter.backend.provider,
        "bundle": {"id": segmenter.bundle.id, "precision": manifest.precision},
        "input_size_wh": list(manifest.input.size_wh),
        "classes": list(segmenter.class_names),
        "background": arguments.background,
        "random_words": arguments.random_words,
        "units": arguments.units,
        "threads": arguments.threads,
        "duration_s": arguments.duration,
        "warmup": arguments.warmup,
        "intervals": METHOD,
        **describe_measurement(arguments),
    }


def _matrix_rate(
    arguments: argparse.Namespace, opened: Opened, record: dict[str, Any]
) -> dict[str, Any] | None:
    """The share of the machine's matrix rate; None unasked, a reason where it cannot be had."""
    if arguments.no_matrix_rate:
        return None
    segmenter = opened.segmenter
    provider = segmenter.backend.provider
    if "CPU" not in provider:
        return {"reason": f"the graph runs on {provider}; only processors are measured"}
    assert segmenter.classes is not None
    try:
        flops = count_flops(segmenter.bundle, len(segmenter.classes.text))
    except UserError as error:
        return {"reason": str(error)}
    rates = measure_rates(arguments.threads)
    return describe_share(flops, record["stages_ms"]["infer"]["p50"], rates)


def _live(arguments: argparse.Namespace, opened: Opened, video: str) -> dict[str, Any] | None:
    """Streams side by side, where they were asked for."""
    if arguments.streams is None and arguments.camera_fps is None:
        return None
    streams = arguments.streams or 1
    each = None if arguments.frames is None else -(-arguments.frames // streams)
    settings = LiveSettings(streams, arguments.camera_fps, each, arguments.duration)
    return describe_streams(run_streams(opened.segmenter, video, settings), settings)


def _against(
    arguments: argparse.Namespace,
    names: Sequence[str],
    opened: Opened,
    frames: Iterator[Frame],
    trace: Trace,
) -> dict[str, Any] | None:
    """The ratios to others, where they were asked for."""
    if not names:
        return None
    with ExitStack() as held, tempfile.TemporaryDirectory() as work:
        image_bgr = next(frames).image_bgr
        rivals = open_rivals(names, arguments, opened.segmenter, image_bgr, held, Path(work))
        contestants = {_SUBJECT: WholeFrames(opened.segmenter), **rivals}
        marks = run_rounds(contestants, frames, arguments.rounds, trace)
    return describe_rounds(marks, _SUBJECT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
