"""What is measured of all bundles, put together as a record."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import fmean, pstdev
from time import perf_counter, process_time
from typing import Any

from benchmarks.frame_time.rounds import Round, divide, median_of, run_rounds, time_decoding
from benchmarks.frame_time.subject import INFER, Subject
from benchmarks.latency.machine import judge, read_state
from benchmarks.latency.matrix_rate import measure_rates
from benchmarks.record.measurement import describe_measurement
from runtime.bundle import Bundle

_CPU, _WALL = "cpu_ms", "wall_ms"


def measure_bundles(arguments: argparse.Namespace, bundles: Mapping[str, Bundle]) -> dict[str, Any]:
    """Time all bundles in turn on the same frames.

    Args:
        arguments: the flags.
        bundles: by the name that they are drawn with.

    Returns:
        The record, ready for JSON. ``clock`` says which of the times is drawn and held against the
        matrix rate: with one thread on a processor its own time, which shows what a quiet machine's
        clock would, whatever else runs; else the clock's.

    Raises:
        UserError: a word or a backend that will not do, or a graph whose parts cannot be told.
        MgcaError: a graph failed.
    """
    load_before = read_state().load_average
    with ExitStack() as held:
        subjects = {name: Subject(one, arguments, held) for name, one in bundles.items()}
        images, decoding = time_decoding(arguments.video, arguments.frames)
        before = read_state()
        rounds = run_rounds(subjects, images, arguments.frames, arguments.warmup)
        after = read_state()
        first = next(iter(subjects.values())).segmenter
        on_cpu = all("CPU" in one.segmenter.backend.provider for one in subjects.values())
        clock = _CPU if on_cpu and arguments.threads == 1 else _WALL
        wanted = on_cpu and not arguments.no_matrix_rate
        watch = process_time if clock == _CPU else perf_counter
        rates = measure_rates(arguments.threads, clock=watch) if wanted else None
        return {
            "bundles": [
                _describe(name, one, divide(decoding, rounds[name]), rounds[name], clock, rates)
                for name, one in subjects.items()
            ],
            "clock": clock,
            "matrix_rate": rates,
            "threads": arguments.threads,
            "frames": arguments.frames,
            "warmup": arguments.warmup,
            "source_size_wh": [images[0].shape[1], images[0].shape[0]],
            "classes": list(first.class_names),
            "background": arguments.background,
            "machine": judge(load_before, before, after, max(map(_variation, rounds.values()))),
            **describe_measurement(arguments, "onnx"),
        }


def _describe(
    name: str,
    subject: Subject,
    parts: Mapping[str, Mapping[str, float]],
    rounds: Sequence[Round],
    clock: str,
    rates: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One bundle's part of the record."""
    segmenter = subject.segmenter
    record = {
        "name": name,
        "id": segmenter.bundle.id,
        "precision": segmenter.manifest.precision,
        "input_size_wh": list(segmenter.manifest.input.size_wh),
        "backend": segmenter.backend.name,
        "provider": segmenter.backend.provider,
        "parts": parts,
        "total": {
            each: round(sum(one[each] for one in parts.values()), 3) for each in (_CPU, _WALL)
        },
        "infer": median_of([one[INFER] for one in rounds]),
        "gflop": subject.gflop,
    }
    if rates is not None and rates["fp32"]["gflops"] is not None:
        taken_ms = {part: one[clock] for part, one in parts.items()}
        record |= hold_to_rate(subject.gflop, taken_ms, rates["fp32"]["gflops"])
    return record


def hold_to_rate(
    gflop: Mapping[str, float], taken_ms: Mapping[str, float], gflops: float
) -> dict[str, Any]:
    """How near the parts of a graph come to a rate.

    Args:
        gflop: billions of operations of each part.
        taken_ms: what each part takes.
        gflops: billions of operations a second.

    Returns:
        ``share_of_fp32_rate`` of each part, and ``products_at_fp32_rate_ms``: what all operations
        would take at the rate.
    """
    return {
        "share_of_fp32_rate": {
            part: round(1000 * count / taken_ms[part] / gflops, 4)
            for part, count in gflop.items()
            if taken_ms[part]
        },
        "products_at_fp32_rate_ms": round(1000 * sum(gflop.values()) / gflops, 3),
    }


def _variation(rounds: Sequence[Round]) -> float:
    """Of the graph's processor time: standard deviation as a share of the mean."""
    values = [one[INFER].cpu_ms for one in rounds]
    return pstdev(values) / fmean(values) if fmean(values) else 0.0
