"""What passes before frames flow: the bundle, the backend, words, and the first frame."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.latency.contestant import run_frame
from benchmarks.latency.trace import Trace
from benchmarks.word_memory import random_queries
from runtime import Segmenter
from runtime.bundle import load_bundle
from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES
from runtime.segment.model import Model
from runtime.sources import Frame
from runtime.stream.statistics import read_peak_rss_mib
from runtime.text.queries import TextQueries

TRACK = "start"
_CHANGES = 5


@dataclass(frozen=True)
class Opened:
    """A model that is ready for frames.

    Attributes:
        segmenter: with its words set; owns no model.
        times_ms: ``bundle`` (read and checked), ``backend`` (its library imported, the graph
            opened or compiled; with ``auto`` also the first choice among backends), ``words`` (the
            first list embedded), ``first_frame`` (from the picture in memory to its labels).
        loaded_mib: the most memory that the process had held before the first frame.
    """

    segmenter: Segmenter
    times_ms: dict[str, float]
    loaded_mib: float | None

    def close(self) -> None:
        """Let go of the model."""
        self.segmenter.model.close()


def open_segmenter(
    arguments: argparse.Namespace, bundle: Path | None, backend: str, trace: Trace
) -> Opened:
    """Open a bundle with the words, units and threads of the flags, and time it.

    Raises:
        UserError: a bundle, backend or word that will not do.
    """
    marks = [perf_counter()]
    opened = load_bundle(DEMO_BUNDLE if bundle is None else bundle)
    marks.append(perf_counter())
    model = Model.load(opened, backend, threads=arguments.threads)
    marks.append(perf_counter())
    try:
        segmenter = Segmenter(model)
        if arguments.random_words is None:
            segmenter.set_classes(
                arguments.classes or list(DEMO_CLASSES), background=arguments.background
            )
        else:
            width = model.manifest.embedding_width
            segmenter.classes = random_queries(arguments.random_words, width)
    except BaseException:
        model.close()
        raise
    segmenter.units = arguments.units
    marks.append(perf_counter())
    spans = dict(zip(("bundle", "backend", "words"), pairwise(marks), strict=True))
    for name, (started, ended) in spans.items():
        trace.add(f"open {name}" if name != "words" else "set words", TRACK, started, ended)
    times_ms = {name: 1000 * (ended - started) for name, (started, ended) in spans.items()}
    return Opened(segmenter, times_ms, read_peak_rss_mib())


def run_first_frame(opened: Opened, frames: Iterator[Frame], trace: Trace) -> None:
    """Run the first frame and note its time among ``opened.times_ms``."""
    marks = run_frame(opened.segmenter, next(frames).image_bgr)
    opened.times_ms["first_frame"] = marks.frame_ms
    trace.add("first frame", TRACK, marks.started, marks.ended)


def time_word_changes(
    arguments: argparse.Namespace, segmenter: Segmenter, frames: Iterator[Frame], trace: Trace
) -> dict[str, float]:
    """Change the words a few times, to a list one class shorter and back; the old ones stay.

    Returns:
        Medians in milliseconds: ``change_of_words`` (``set_classes`` with words that the model has
        embedded before) and ``frame_after_change`` (the next frame, whose graph sees other sizes);
        of random words, which have no names to change, nothing.
    """
    if arguments.random_words is not None:
        return {}
    before: TextQueries | None = segmenter.classes
    given = arguments.classes.split(",") if arguments.classes else list(DEMO_CLASSES)
    lists = (given[:-1] or given, given)
    changes, after = [], []
    for number in range(_CHANGES):
        image_bgr = next(frames).image_bgr
        started = perf_counter()
        segmenter.set_classes(lists[number % 2], background=arguments.background)
        changed = perf_counter()
        marks = run_frame(segmenter, image_bgr)
        trace.add("change of words", TRACK, started, changed)
        trace.add("frame after a change", TRACK, marks.started, marks.ended)
        changes.append(1000 * (changed - started))
        after.append(marks.frame_ms)
    if before is not None:
        segmenter.classes = before
    return {"change_of_words": median(changes), "frame_after_change": median(after)}


def describe_start(times_ms: dict[str, float]) -> dict[str, Any]:
    """``load_ms`` (all before the first frame) and ``start_ms`` (its parts), ready for JSON."""
    parts = {name: round(value, 3) for name, value in times_ms.items()}
    load_ms = sum(times_ms[name] for name in ("bundle", "backend", "words"))
    return {"load_ms": round(load_ms, 1), "start_ms": parts}
