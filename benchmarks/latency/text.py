"""The record as people read it: tables and a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.record.percentiles import METHOD
from benchmarks.record.table import format_table

_POINTS = ("p50", "p90", "p95", "p99", "mean")


def format_record(record: Mapping[str, Any]) -> str:
    """Everything that was measured; times in milliseconds."""
    title = (
        f"{record['bundle']['id']} on {record['provider']} ({record['hardware']['cpu']}, "
        f"{record['hardware']['cores']} cores), {record['frames']} frames"
    )
    blocks = [title, _stages(record["stages_ms"]), "\n".join(_lines(record))]
    if record["against"]:
        blocks.append(_against(record["against"]))
    return "\n\n".join(blocks)


def _stages(stages_ms: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [stage, *(times[point] for point in _POINTS), f"{times['cv']:.1%}"]
        for stage, times in stages_ms.items()
    ]
    return format_table(["ms", *_POINTS, "cv"], rows)


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"{record['fps']:.1f} frames/s, one after another"
    told = [
        f"{point} {pair[0]:.2f} to {pair[1]:.2f}"
        for point, pair in record["stages_ms"]["total"]["ci95"].items()
        if pair is not None
    ]
    if told:
        yield f"total, intervals ({METHOD}): {', '.join(told)} ms"
    start = record["start_ms"]
    line = (
        f"start: bundle {start['bundle']:.0f} ms, backend {start['backend']:.0f}, words "
        f"{start['words']:.0f}, first frame {start['first_frame']:.0f}"
    )
    if "change_of_words" in start:
        line += f"; change of words {start['change_of_words']:.1f}, the frame after it "
        line += f"{start['frame_after_change']:.0f}"
    yield line
    memory = record["memory_mib"]
    if memory["peak"] is not None:
        yield f"memory: at most {memory['peak']:.0f} MiB, {memory['loaded']:.0f} before a frame"
    if record["matrix_rate"] is not None:
        yield from _matrix_rate(record["matrix_rate"])
    if record["live"] is not None:
        yield from _live(record["live"])


def _matrix_rate(found: Mapping[str, Any]) -> Iterator[str]:
    if "reason" in found:
        yield f"matrix rate: not measured ({found['reason']})"
        return
    shares = [
        f"{share:.0%} of {precision} ({found['machine'][precision]['gflops']:.0f}, "
        f"{found['machine'][precision]['engine']})"
        for precision, share in found["share"].items()
        if share is not None
    ]
    yield (
        f"matrix rate: the graph's {found['graph_gflop']:.1f} G operations run at "
        f"{found['reached_gflops']:.0f} G/s, {', '.join(shares)}"
    )


def _live(live: Mapping[str, Any]) -> Iterator[str]:
    count = live["streams"]
    name = "1 stream" if count == 1 else f"{count} streams"
    of = "" if live["camera_fps"] is None else f" of {live['camera_fps']:g} frames/s"
    yield (
        f"{name}{of}: {live['fps']:.1f} frames/s altogether, {live['frames_processed']} of "
        f"{live['frames_in']} frames, {live['frames_dropped']} dropped for newer ones"
    )
    if live["age_ms"] is not None:
        ages = (f"{p} {v:.1f}" for p in _POINTS if (v := live["age_ms"][p]) is not None)
        yield f"age of a frame when its labels stand: {', '.join(ages)} ms"


def _against(against: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for rival, parts in against.items():
        for part, found in parts.items():
            low, high = found["ci95"] or (None, None)
            spread = found["p10_p90"]
            rows.append([f"{part} ÷ {rival}", found["ratio"], low, high, *spread,
                         1 / found["ratio"] if found["ratio"] else None, found["ms"]])  # fmt: skip
    rounds = next(iter(next(iter(against.values())).values()))["rounds"]
    head = ["this ÷ other", "median", "low", "high", "p10", "p90", "other ÷ this", "other ms"]
    return (
        f"{format_table(head, rows)}\n\n{rounds} rounds, all on the same frame in turn; low and "
        f"high: {METHOD}, of the median"
    )
