"""Measure an exported graph against the plain eager reference, on real frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from export.graph.intermediate_outputs import PATCHES
from export.parity.figures import Parity
from export.parity.reference_run import ReferenceRun, queries_of
from export.parity.tally import ParityTally
from export.progress import Progress
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.segment.frames import RawScores
from runtime.segment.segmenter import Segmenter


def measure_parity(
    precision: str,
    segmenter: Segmenter,
    with_patches: Path,
    runs: Sequence[ReferenceRun],
    progress: Progress,
) -> Parity:
    """Compare a bundle, run by the runtime itself, with the reference.

    Of fp16 the runtime's run only shows that the bundle works: on a CPU it rounds nothing between
    operators. Its scores are those of ``with_patches``, which does.

    The graph's pixel and unit embeddings are read through its own outputs: scores against the rows
    of an identity matrix are the embedding itself.

    Args:
        precision: the variant's name.
        segmenter: the written bundle, its classes set to the words of ``runs``, background none.
        with_patches: the file of the same graph with one more output, ``patches`` float32
            (1, D, hp, wp); of fp16 it rounds to half after every operator.
        runs: the frames with the reference's answers.
        progress: wraps the loop over frames.
    """
    queries = queries_of(segmenter)
    identity = np.eye(segmenter.manifest.embedding_width, dtype=np.float32)
    tally = ParityTally(len(queries.words))
    with OnnxRuntimeBackend(with_patches, "cpu") as opened:
        for run in progress(runs, precision):
            raw = segmenter.infer(segmenter.preprocess(run.frame.image_hw3[:, :, ::-1]), "both")
            if precision == "fp16":
                raw = _rounded_scores(opened, run, raw)
            feeds = {"frame": run.input_hw3[None], "text": identity}
            embeddings = opened.run(feeds, ["class_scores", "pixel_scores", PATCHES])
            tally.add(
                run,
                raw,
                {
                    # Patches of several windows one below another.
                    name: np.concatenate(list(value), axis=1) if name == PATCHES else value[0]
                    for name, value in embeddings.items()
                },
                segmenter.postprocess(raw, units="adaptive").labels,
                segmenter.postprocess(raw, units="pixel").labels,
            )
    return tally.parity(precision)


def _rounded_scores(rounding: OnnxRuntimeBackend, run: ReferenceRun, raw: RawScores) -> RawScores:
    """Scores of the same frame and words from the graph that rounds where a device does."""
    feeds = {"frame": run.input_hw3[None], "text": raw.queries.text}
    names = ["class_scores", "unit_of_pixel", "pixel_scores"]
    found = {name: value[0] for name, value in rounding.run(feeds, names).items()}
    return replace(raw, **found)
