"""What a run has to say for itself: the report's record, and the summary for people."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from runtime.cli.config import SessionConfig
from runtime.environment import describe_hardware, describe_versions
from runtime.errors import describe_error
from runtime.redaction import redact, redact_record
from runtime.sinks.base import Sink
from runtime.stream.statistics import read_peak_rss_mib
from runtime.stream.stream import Stream
from runtime.stream.worker import SinkWorker

if TYPE_CHECKING:
    from runtime.segment.segmenter import Segmenter

__all__ = ["describe_run", "describe_stream", "print_all", "print_summary"]

#: Counters of :class:`~runtime.stream.statistics.RunStatistics`, as they stand in the report.
COUNTERS = (
    "frames_in",
    "frames_processed",
    "frames_dropped",
    "frames_skipped",
    "frames_spared",
    "frames_unfinished",
)

#: How many of the entries that were passed over a report names.
MOST_NAMES = 100


def describe_stream(
    config: SessionConfig, stream: Stream, interrupted: bool, failure: BaseException | None = None
) -> dict[str, Any]:
    """The record of one stream; ``failure`` is what ended the run if that is the stream's own."""
    source, segmenter, statistics = stream.source, stream.segmenter, stream.statistics
    names = list(segmenter.class_names)
    areas = statistics.mean_areas()
    errors = [worker.error for worker in stream.workers]
    error = failure or stream.error or next((one for one in errors if one is not None), None)
    return {
        "stream": stream.name,
        "status": "failed" if error else "interrupted" if interrupted else "done",
        "error": None if error is None else redact(describe_error(error)),
        "source": {
            "kind": source.kind,
            "name": redact(source.name),
            "live": source.live,
            "fps": source.fps,
            "pixel_aspect": f"{source.pixel_aspect.numerator}:{source.pixel_aspect.denominator}",
            "values": dict(source.values),
            "passed_over": {
                "count": len(source.passed_over),
                "names": source.passed_over[:MOST_NAMES],
            },
        },
        **{name: getattr(statistics, name) for name in COUNTERS},
        "unreadable": source.unreadable,
        "reconnects": source.reconnects,
        "events": stream.events.record(),
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
        "background_dropped": [
            {"word": one.word, "means": one.means}
            for one in (segmenter.classes.dropped if segmenter.classes else ())
        ],
        "rivals": stream.rivals.describe(names),
        "threshold": config.words.threshold,
        "units": config.words.units,
        "templates": _templates_of(segmenter),
        "decision": asdict(segmenter.decision),
        "windows": None if segmenter.windows is None else asdict(segmenter.windows),
        "outputs": _describe_outputs(stream.workers),
    }


def _templates_of(segmenter: Segmenter) -> str:
    """The name of the set that words were put into."""
    asked = None if segmenter.classes is None else segmenter.classes.wording.templates
    return (asked or segmenter.manifest.templates).name


def describe_run(
    streams: Sequence[dict[str, Any]],
    status: str,
    failure: BaseException | None,
    started_at: float,
) -> dict[str, Any]:
    """The record of a run: that of its one stream and more, or sums and a list of ``streams``.

    Args:
        streams: of :func:`describe_stream`.
        status: ``done``, ``interrupted`` or ``failed``.
        failure: what ended it, or what an output lost.
        started_at: in seconds since 1970.
    """
    first = streams[0]
    return {
        "status": status,
        "error": None if failure is None else redact(str(failure)),
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started_at)),
        **(_without_status(first) if len(streams) == 1 else _sum_up(streams)),
        "peak_rss_mib": read_peak_rss_mib(),
        "versions": describe_versions(),
        "hardware": {"machine": platform.machine(), **describe_hardware()},
    }


def _without_status(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("status", "error")}


def _sum_up(streams: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What several streams have in common, added up; then each by itself."""
    counted = (*COUNTERS, "unreadable", "reconnects")
    longest_s = max(one["duration_s"] for one in streams)
    processed = sum(one["frames_processed"] for one in streams)
    return {
        **{name: sum(one[name] for one in streams) for name in counted},
        "duration_s": longest_s,
        "fps": round(processed / longest_s, 3) if longest_s else 0.0,
        **{name: streams[0][name] for name in ("backend", "provider", "bundle_id")},
        "streams": list(streams),
    }


def _describe_outputs(workers: Sequence[SinkWorker]) -> dict[str, Any]:
    """For each output that wrote, dropped or failed: its record, ``dropped`` and ``error``."""
    outputs: dict[str, Any] = {}
    for worker in workers:
        record = worker.sink.record()
        if record is not None or worker.dropped or worker.error is not None:
            error = None if worker.error is None else describe_error(worker.error)
            outputs[worker.sink.key] = {
                **redact_record(record or {}),
                "dropped": worker.dropped,
                "error": error,
            }
    return outputs


def print_all(
    record: dict[str, Any],
    records: Sequence[dict[str, Any]],
    sinks: Sequence[Sequence[Sink]],
    shared: Sequence[Sink],
    file: TextIO,
) -> None:
    """The summaries of all streams, and what they make together.

    Args:
        record: the run's.
        records: the streams', each with its ``sinks``.
        shared: sinks of all streams.
        file: where to print.
    """
    for one, own in zip(records, sinks, strict=True):
        if len(records) > 1:
            print(f"{one['stream']}:", file=file)
        print_summary(one, own, file)
    for sink in shared:
        _print_line(sink, {}, file)
    if len(records) > 1:
        print(
            f"together  {record['fps']:.1f} frames/s; {record['frames_processed']} frames of "
            f"{len(records)} streams",
            file=file,
        )
    if record["status"] == "interrupted":
        print("stopped   by a signal; every output is closed", file=file)


def print_summary(record: dict[str, Any], sinks: Sequence[Sink], stream: TextIO) -> None:
    """A few lines for people: what was written, how much of each class, how fast."""
    for sink in sinks:
        _print_line(sink, record["outputs"], stream)
    areas = ", ".join(f"{name} {100 * area:.1f} %" for name, area in record["mean_areas"].items())
    print(f"areas     {areas}", file=stream)
    lost = [
        f"{record[key]} {word}"
        for key, word in (
            ("frames_spared", "spared"),
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


def _print_line(sink: Sink, outputs: dict[str, Any], stream: TextIO) -> None:
    line = sink.summary()
    if line is not None:
        dropped = outputs.get(sink.key, {}).get("dropped", 0)
        note = f"; {dropped} frames dropped, it is too slow" if dropped else ""
        print(f"{line[0]:<10}{redact(line[1])}{note}", file=stream)
