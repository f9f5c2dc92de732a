"""Other ways to run the same frames, held against this one in turn: ``--against``.

A machine's speed changes from minute to minute, so two runs one after another say little about
their ratio. Here every round runs all contestants on one frame, in an order that is drawn anew so
that none always follows the same other one, and the ratio is taken within the round.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import sleep
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.latency.contestant import Contestant, FrameMarks, GraphAlone, WholeFrames
from benchmarks.latency.eager import EagerBackend
from benchmarks.latency.encoder_cut import cut_encoder
from benchmarks.latency.start import open_segmenter
from benchmarks.latency.trace import Trace
from benchmarks.record.percentiles import interval_of
from runtime import Segmenter
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.backends.open import BACKEND_NAMES
from runtime.backends.openvino import OpenVinoBackend
from runtime.backends.parity import compare_outputs
from runtime.backends.protocol import Backend
from runtime.bundle import load_bundle
from runtime.errors import UserError
from runtime.segment.model import Model
from runtime.sources import Frame

ENCODER, EAGER = "encoder", "eager"
_NEEDS = {ENCODER: "onnx", EAGER: "torch"}
TRACK = "against"
_WARMUP = 2
#: Before each run: threads of the engine that ran last may still spin, waiting for more.
_REST_S = 0.02
_TICK_MS = 1e-3
#: Grid pixels on which the same weights agree, also between int8 and PyTorch.
_SAME_WEIGHTS = 0.9

Rounds = dict[str, list[FrameMarks]]


def read_names(text: str | None) -> tuple[str, ...]:
    """``encoder,eager,DIR,DIR@BACKEND`` -> its names.

    Raises:
        UserError: one that is nothing, is there twice, or needs a package that is not installed.
    """
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        package = _NEEDS.get(name)
        folder, _ = _folder_and_backend(name)
        if package is None and not folder.is_dir():
            raise UserError(
                f"--against {name}: no such folder; expected {ENCODER}, {EAGER}, a bundle's "
                "folder or FOLDER@BACKEND, or several of them separated by commas"
            )
        if package is None:
            load_bundle(folder, verify=False)
        elif find_spec(package) is None:
            raise UserError(
                f"--against {name} needs {package}, which is not installed; "
                "pip install 'mgca[export]'"
            )
    if len(set(names)) < len(names):
        raise UserError(f"--against {text} names one of them twice; expected each once")
    return names


def _folder_and_backend(name: str) -> tuple[Path, str | None]:
    """``bundles/mine@openvino`` in its parts; a folder of that whole name goes first.

    >>> _folder_and_backend("bundles/mine@openvino")[1]
    'openvino'
    >>> _folder_and_backend("bundles/v@2")[1] is None
    True
    """
    folder, _, backend = name.rpartition("@")
    if not folder or backend not in BACKEND_NAMES or Path(name).is_dir():
        return Path(name), None
    return Path(folder), backend


def open_rivals(
    names: Sequence[str],
    arguments: argparse.Namespace,
    segmenter: Segmenter,
    image_bgr: np.ndarray,
    held: ExitStack,
    work: Path,
) -> dict[str, Contestant]:
    """Open all of them.

    Args:
        names: from :func:`read_names`.
        arguments: the flags; their words, units, backend and threads are everyone's.
        segmenter: what they are held against.
        image_bgr: a frame on which weights are compared.
        held: closes them.
        work: folder for files that are gone afterwards.

    Raises:
        UserError: one of them cannot run here.
    """
    rivals: dict[str, Contestant] = {}
    for name in names:
        if name == ENCODER:
            rivals[name] = _open_encoder(segmenter, arguments.threads, work)
        elif name == EAGER:
            rivals[name] = _open_eager(arguments, segmenter, image_bgr)
        else:
            folder, backend = _folder_and_backend(name)
            opened = open_segmenter(arguments, folder, backend or arguments.backend, Trace())
            held.callback(opened.close)
            rivals[name] = WholeFrames(opened.segmenter)
        held.callback(rivals[name].close)
    return rivals


def run_rounds(
    contestants: Mapping[str, Contestant], frames: Iterator[Frame], rounds: int, trace: Trace
) -> Rounds:
    """Run everyone on the same frames, ``rounds`` of them, after a few that are not counted."""
    names = list(contestants)
    order = np.random.default_rng(0)
    marks: Rounds = {name: [] for name in names}
    for number in tqdm(
        range(-_WARMUP, rounds), desc="against", unit="round", leave=False, disable=None
    ):
        image_bgr = next(frames).image_bgr
        for name in order.permutation(names):
            sleep(_REST_S)
            one = contestants[name].run(image_bgr)
            if number >= 0:
                marks[name].append(one)
                trace.add(name, TRACK, one.started, one.ended, round=number)
    return marks


def describe_rounds(marks: Rounds, subject: str) -> dict[str, Any]:
    """The ratios, ready for JSON.

    Args:
        marks: from :func:`run_rounds`.
        subject: the name of the contestant that the others are held against.

    Returns:
        Rival to ``frame``, ``infer`` and ``cpu``, each of them ``ms`` (the rival's median),
        ``ratio`` (the subject's time ÷ the rival's: median of the rounds), ``ci95`` (of that
        median) and ``p10_p90`` (the spread of the rounds). ``frame`` is the picture in memory to
        its labels, ``infer`` the graph alone, ``cpu`` the processor time of ``frame``; of the
        encoder all three are its graph's.
    """
    return {
        name: {
            part: _ratio_of(
                [getattr(one, f"{part}_ms") for one in marks[subject]],
                [getattr(one, f"{part}_ms") for one in theirs],
            )
            for part in ("frame", "infer", "cpu")
        }
        for name, theirs in marks.items()
        if name != subject
    }


def _ratio_of(ours_ms: Sequence[float], theirs_ms: Sequence[float]) -> dict[str, Any]:
    # A clock of processor time may tick more coarsely than a very small graph runs.
    ratios = [ours / max(theirs, _TICK_MS) for ours, theirs in zip(ours_ms, theirs_ms, strict=True)]
    interval = interval_of(ratios, 50)
    return {
        "ms": round(median(theirs_ms), 3),
        "ratio": round(median(ratios), 4),
        "ci95": None if interval is None else [round(value, 4) for value in interval],
        "p10_p90": [round(float(value), 4) for value in np.percentile(ratios, (10, 90))],
        "rounds": len(ratios),
    }


def open_beside(segmenter: Segmenter, path: Path, threads: int | None) -> Backend:
    """Open a part of a graph on the engine that runs the whole one.

    Raises:
        UserError: an engine that is given no files.
    """
    name = segmenter.backend.name
    if not name.startswith(("onnxruntime-c", "openvino")) or name == "openvino-npu":
        raise UserError(
            f"a part of a graph, such as its encoder, runs on ONNX Runtime and on OpenVINO, not on "
            f"{name}; choose --backend onnxruntime-cpu, onnxruntime-cuda or openvino"
        )
    if name.startswith("openvino"):
        return OpenVinoBackend(path, "bf16" if name.endswith("bf16") else "f32", threads)
    device, graph = ("cuda" if "cuda" in name else "cpu"), name.endswith("-graph")
    return OnnxRuntimeBackend(path, device, threads, graph=graph)  # type: ignore[arg-type]


def _open_encoder(segmenter: Segmenter, threads: int | None, work: Path) -> Contestant:
    """The encoder alone, on the engine that runs the whole graph."""
    path = work / "encoder.onnx"
    cut_encoder(segmenter.bundle, path)
    return GraphAlone(open_beside(segmenter, path, threads), segmenter)


def _open_eager(
    arguments: argparse.Namespace, segmenter: Segmenter, image_bgr: np.ndarray
) -> Contestant:
    """The checkpoint in PyTorch, once it has been seen to hold the bundle's weights."""
    backend = EagerBackend(arguments.checkpoint, segmenter.bundle, arguments.threads)
    eager = Segmenter(Model(segmenter.bundle, backend, arguments.threads))
    assert segmenter.classes is not None
    eager.classes, eager.units = segmenter.classes, segmenter.units
    feeds = {
        "frame": segmenter.preprocess(image_bgr).tensor,
        "text": segmenter.classes.text,
    }
    wanted = ["class_scores", "pixel_scores"]
    same = compare_outputs(backend.run(feeds, wanted), segmenter.backend.run(feeds, wanted))
    if same.by_pixel < _SAME_WEIGHTS:
        raise UserError(
            f"--against eager: the checkpoint and the bundle agree on {same.by_pixel:.0%} of a "
            "frame; they hold other weights. Name the bundle's own with --checkpoint"
        )
    return WholeFrames(eager)
