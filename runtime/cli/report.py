"""What a run has to say for itself: the report's record, and the summary for people."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from typing import Any, TextIO

from runtime.cli.config import SessionConfig
from runtime.environment import describe_hardware, describe_versions
from runtime.errors import describe_error
from runtime.sinks.base import Sink
from runtime.stream.statistics import read_peak_rss_mib
from runtime.stream.stream import Stream
from runtime.stream.worker import SinkWorker

__all__ = ["describe_run", "print_summary"]

#: How many of the entries that were passed over a report names.
MOST_NAMES = 100


def describe_run(
    config: SessionConfig,
    stream: Stream,
    status: str,
    failure: BaseException | None,
    started_at: float,
) -> dict[str, Any]:
    """The record of a run. ``status`` is ``done``, ``interrupted`` or ``failed``."""
    source, segmenter, statistics = stream.source, stream.segmenter, stream.statistics
    names = list(segmenter.class_names)
    areas = statistics.mean_areas()
    return {
        "status": status,
        "error": None if failure is None else str(failure),
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started_at)),
        "source": {
            "kind": source.kind,
            "name": source.name,
            "live": source.live,
            "fps": source.fps,
            "pixel_aspect": f"{source.pixel_aspect.numerator}:{source.pixel_aspect.denominator}",
            "values": dict(source.values),
            "passed_over": {
                "count": len(source.passed_over),
                "names": source.passed_over[:MOST_NAMES],
            },
        },
        "frames_in": statistics.frames_in,
        "frames_processed": statistics.frames_processed,
        "frames_dropped": statistics.frames_dropped,
        "frames_skipped": statistics.frames_skipped,
        "frames_unfinished": statistics.frames_unfinished,
        "unreadable": source.unreadable,
        "reconnects": source.reconnects,
        "duration_s": round(statistics.duration_s, 4),
        "fps": round(statistics.fps, 3),
        "stages_ms": statistics.stages_ms(),
        "total_includes_wait": source.live,
        "backend": segmenter.backend.name,
        "provider": segmenter.backend.provider,
        "bundle_id": segmenter.bundle.id,
        "classes": names,
        "mean_areas": {name: round(areas.get(name, 0.0), 7) for name in names},
        "background": config.words.background,
        "threshold": config.words.threshold,
        "units": config.words.units,
        "peak_rss_mib": read_peak_rss_mib(),
        "outputs": _describe_outputs(stream.workers),
        "versions": describe_versions(),
        "hardware": {"machine": platform.machine(), **describe_hardware()},
    }


def _describe_outputs(workers: Sequence[SinkWorker]) -> dict[str, Any]:
    """For each output that wrote, dropped or failed: its record, ``dropped`` and ``error``."""
    outputs: dict[str, Any] = {}
    for worker in workers:
        record = worker.sink.record()
        if record is not None or worker.dropped or worker.error is not None:
            error = None if worker.error is None else describe_error(worker.error)
            outputs[worker.sink.key] = {
                **(record or {}),
                "dropped": worker.dropped,
                "error": error,
            }
    return outputs


def print_summary(record: dict[str, Any], sinks: Sequence[Sink], stream: TextIO) -> None:
    """A few lines for people: what was written, how much of each class, how fast."""
    for sink in sinks:
        line = sink.summary()
        if line is not None:
            dropped = record["outputs"].get(sink.key, {}).get("dropped", 0)
            note = f"; {dropped} frames dropped, it is too slow" if dropped else ""
            print(f"{line[0]:<10}{line[1]}{note}", file=stream)
    areas = ", ".join(f"{name} {100 * area:.1f} %" for name, area in record["mean_areas"].items())
    print(f"areas     {areas}", file=stream)
    lost = [
        f"{record[key]} {word}"
        for key, word in (
            ("frames_dropped", "dropped"),
            ("unreadable", "unreadable"),
            ("reconnects", "reconnects"),
        )
        if record[key]
    ]
    frames = ", ".join([f"{record['frames_processed']} frames", *lost])
    stages = record["stages_ms"]
    median = f", {stages['total']['p50']:.1f} ms a frame (median)" if stages else ""
    print(
        f"speed     {record['fps']:.1f} frames/s{median}; {frames}; "
        f"{record['backend']} on {record['provider']}",
        file=stream,
    )
    if record["status"] == "interrupted":
        print("stopped   by a signal; every output is closed", file=stream)
