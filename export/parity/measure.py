"""Measure an exported graph against the plain eager reference, on real frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from export.graph.intermediate_outputs import PATCHES
from export.parity.figures import Parity
from export.parity.reference_run import ReferenceRun, queries_of
from export.parity.tally import ParityTally
from export.progress import Progress
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.segment.segmenter import Segmenter


def measure_parity(
    precision: str,
    segmenter: Segmenter,
    with_patches: Path,
    runs: Sequence[ReferenceRun],
    progress: Progress,
) -> Parity:
    """Compare a bundle, run by the runtime itself, with the reference.

    The graph's pixel and unit embeddings are read through its own outputs: scores against the rows
    of an identity matrix are the embedding itself.

    Args:
        precision: the variant's name.
        segmenter: the written bundle, its classes set to the words of ``runs``, background none.
        with_patches: the file of the same graph with one more output, ``patches`` float32
            (1, D, hp, wp).
        runs: the frames with the reference's answers.
        progress: wraps the loop over frames.
    """
    words = len(queries_of(segmenter).words)
    identity = np.eye(segmenter.manifest.embedding_width, dtype=np.float32)
    tally = ParityTally(words)
    with OnnxRuntimeBackend(with_patches, "cpu") as opened:
        for run in progress(runs, precision):
            raw = segmenter.infer(segmenter.preprocess(run.frame.image_hw3[:, :, ::-1]), "both")
            feeds = {"frame": run.input_hw3[None], "text": identity}
            embeddings = opened.run(feeds, ["class_scores", "pixel_scores", PATCHES])
            tally.add(
                run,
                raw,
                {name: value[0] for name, value in embeddings.items()},
                segmenter.postprocess(raw, units="adaptive").labels,
                segmenter.postprocess(raw, units="pixel").labels,
            )
    return tally.parity(precision)
