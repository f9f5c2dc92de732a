"""A bundle whose frames are timed: its segmenter, and its graph cut off behind each part."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np

from benchmarks.frame_time.parts import DECODER, ENCODER, assign_nodes, find_cuts
from benchmarks.latency.encoder_cut import write_cut
from benchmarks.latency.graph_file import read_graph
from benchmarks.latency.rivals import open_beside
from runtime import Segmenter
from runtime.backends.protocol import Backend
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.demo import DEMO_CLASSES

PREPROCESS, INFER, POSTPROCESS = STAGES = ("preprocess", "infer", "postprocess")
#: What is run in turn: a whole frame, and the graph as far as a part's end.
RUNS = ("frame", ENCODER, DECODER)


class Spent(NamedTuple):
    """Milliseconds on the clock, and of processor time of all threads of the process."""

    wall_ms: float
    cpu_ms: float


class Stopwatch:
    """Tells what was spent since it was made, or asked last."""

    def __init__(self) -> None:
        self._marks = perf_counter(), process_time()

    def lap(self) -> Spent:
        """What was spent since the last lap."""
        wall_s, cpu_s = self._marks
        self._marks = perf_counter(), process_time()
        return Spent(1000 * (self._marks[0] - wall_s), 1000 * (self._marks[1] - cpu_s))


class Subject:
    """One bundle, opened.

    Args:
        bundle: exported from any checkpoint, or from CLIP alone.
        arguments: the flags: words, backend, threads.
        held: closes what is opened.

    Attributes:
        segmenter: with its words set.
        gflop: billions of operations of each part's matrix products and convolutions, 2 a
            multiply-add.

    Raises:
        UserError: no package ``onnx``, a word or a backend that will not do, or a graph whose
            parts cannot be told.
    """

    def __init__(self, bundle: Bundle, arguments: argparse.Namespace, held: ExitStack) -> None:
        model = read_graph(bundle.path / SEGMENTER_FILE)
        cuts = find_cuts(model)
        self.segmenter = held.enter_context(
            Segmenter.load(bundle, arguments.backend, threads=arguments.threads)
        )
        words = arguments.classes or list(DEMO_CLASSES)
        queries = self.segmenter.set_classes(words, background=arguments.background)
        self._cut: dict[str, Backend] = {}
        work = Path(held.enter_context(tempfile.TemporaryDirectory()))
        for part, ends in ((ENCODER, cuts.encoder), (DECODER, [cuts.decoder])):
            path = work / f"{part}.onnx"
            write_cut(model, ends, path)
            opened = open_beside(self.segmenter, path, arguments.threads)
            self._cut[part] = opened
            held.callback(opened.close)
        self.gflop = _count_gflop(bundle, len(queries.text))

    def run(self, which: str, image_bgr: np.ndarray) -> Mapping[str, Spent]:
        """Run a picture, BGR uint8 (H, W, 3), as far as one of :data:`RUNS` goes.

        Returns:
            Of ``frame`` its :data:`STAGES`; of a part the graph as far as its end, by its name.
        """
        if which == "frame":
            return self._run_frame(image_bgr)
        feeds = {"frame": self.segmenter.preprocess(image_bgr).tensor}
        watch = Stopwatch()
        self._cut[which].run(feeds)
        return {which: watch.lap()}

    def _run_frame(self, image_bgr: np.ndarray) -> dict[str, Spent]:
        watch = Stopwatch()
        prepared = self.segmenter.preprocess(image_bgr)
        preprocess = watch.lap()
        raw = self.segmenter.infer(prepared)
        infer = watch.lap()
        self.segmenter.postprocess(raw)
        return {PREPROCESS: preprocess, INFER: infer, POSTPROCESS: watch.lap()}


def _count_gflop(bundle: Bundle, words: int) -> dict[str, float]:
    from export.graph.cost import measure_cost

    model = read_graph(bundle.path / SEGMENTER_FILE, weights=False)
    parts = {}
    for number, (node, part) in enumerate(zip(model.graph.node, assign_nodes(model), strict=True)):
        node.name = node.name or f"node {number}"
        parts[node.name] = part
    return {
        part: round(cost.flops / 1e9, 4)
        for part, cost in measure_cost(model, parts, {"K": words}).items()
    }
