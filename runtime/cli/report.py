"""What a run has to say for itself: the report's record, and the summary for people."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Sequence
from typing import Any, TextIO

from runtime.sinks.base import Sink
from runtime.sinks.labels import LabelFolder
from runtime.sinks.overlay import OverlayVideo
from runtime.sources.frame import Source
from runtime.stream.statistics import RunStatistics, read_peak_rss_mib


def describe_run(
    options: argparse.Namespace,
    source: Source,
    segmenter: Any,
    statistics: RunStatistics,
    sinks: Sequence[Sink],
    status: str,
    failure: BaseException | None,
    started_at: float,
) -> dict[str, Any]:
    """The record of a run. ``status`` is ``done``, ``interrupted`` or ``failed``."""
    names = list(segmenter.classes.class_names)
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
        "background": options.background,
        "threshold": options.threshold,
        "units": options.units,
        "peak_rss_mib": read_peak_rss_mib(),
        "outputs": _describe_outputs(sinks),
        "versions": {"python": platform.python_version(), **segmenter_versions()},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count()},
    }


def segmenter_versions() -> dict[str, str]:
    """Versions of the packages that a figure can depend on."""
    from importlib import metadata

    versions = {}
    for name in ("mgca", "numpy", "opencv-python", "av", "onnxruntime", "onnxruntime-gpu"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _describe_outputs(sinks: Sequence[Sink]) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for sink in sinks:
        record = sink.record()
        if record is not None:
            kind = {OverlayVideo: "out", LabelFolder: "label_dir"}.get(type(sink), "jsonl")
            outputs[kind] = record
    return outputs


def print_summary(record: dict[str, Any], stream: TextIO) -> None:
    """A few lines for people: what was written, how much of each class, how fast."""
    outputs = record["outputs"]
    if "out" in outputs:
        width, height = outputs["out"]["size_wh"]
        path, count = os.path.abspath(outputs["out"]["path"]), outputs["out"]["frames"]
        print(f"video     {path} ({count} frames, {width}x{height})", file=stream)
    if "label_dir" in outputs:
        path = os.path.abspath(outputs["label_dir"]["path"])
        print(f"labels    {path} ({outputs['label_dir']['files']} files)", file=stream)
    if outputs.get("jsonl", {}).get("path", "-") != "-":
        print(f"jsonl     {os.path.abspath(outputs['jsonl']['path'])}", file=stream)
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
