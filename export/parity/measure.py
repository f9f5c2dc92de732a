"""Measure an exported graph against the plain eager reference, on real frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.graph.intermediate_outputs import PATCHES
from export.parity.frames import Frame
from export.parity.reference import ReferenceResult, ReferenceSegmenter, labels_at_source
from export.progress import Progress
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.segment.frames import RawScores
from runtime.segment.segmenter import Segmenter
from runtime.text.queries import TextQueries

STAGES = ("encoder", "decoder", "units")


@dataclass(frozen=True)
class ReferenceRun:
    """One frame with what the reference says: done once, compared with every variant.

    Attributes:
        frame: the source frame, with truth where known.
        input_hw3: uint8 RGB at the model's input size.
        result: the reference's stages and scores.
        labels_hw: uint8 labels at the source's size.
    """

    frame: Frame
    input_hw3: np.ndarray
    result: ReferenceResult
    labels_hw: np.ndarray


@dataclass(frozen=True)
class Farthest:
    """Where a stage's embeddings are farthest from the reference's.

    Attributes:
        frame: its name.
        row: on the stage's grid (the encoder's is of patches), from 0.
        column: likewise.
        max_abs: the largest difference of one component there.
    """

    frame: str
    row: int
    column: int
    max_abs: float


@dataclass(frozen=True)
class StageParity:
    """Cosines between the reference's and the graph's embeddings, one a patch or pixel, and where
    the least of them is.
    """

    mean: float
    p1: float
    least: float
    farthest: Farthest


@dataclass(frozen=True)
class Parity:
    """How close one graph is to the reference.

    Attributes:
        precision: fp32, fp16 or int8.
        frames: how many were compared.
        label_agreement: share of pixels at source resolution with the same label, all frames.
        worst_frame: the lowest agreement of a single frame.
        pixel_label_agreement: the same share for labels without units.
        median_margin: median over the grid of the reference's best minus second-best score.
        class_scores_max_abs: largest difference of ``class_scores``.
        pixel_scores_max_abs: largest difference of ``pixel_scores``.
        miou_reference: mIoU of the reference's labels (None without truth).
        miou: mIoU of the graph's labels (None without truth).
        stages: cosines by stage, in the order of the computation.
    """

    precision: str
    frames: int
    label_agreement: float
    worst_frame: float
    pixel_label_agreement: float
    median_margin: float
    class_scores_max_abs: float
    pixel_scores_max_abs: float
    miou_reference: float | None
    miou: float | None
    stages: Mapping[str, StageParity]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values, floats to seven digits."""
        return _rounded(asdict(self))


def run_reference(
    reference: ReferenceSegmenter,
    frames: Sequence[Frame],
    segmenter: Segmenter,
    progress: Progress,
) -> list[ReferenceRun]:
    """Run the reference on every frame, with the segmenter's input size and class list.

    Only the frame's resizing to the input size, which is integers in and out, is the runtime's.
    """
    queries = _queries(segmenter)
    runs = []
    for frame in progress(frames, "reference"):
        input_hw3 = segmenter.preprocess(frame.image_hw3[:, :, ::-1]).tensor[0]
        result = reference(input_hw3, queries.text)
        labels = labels_at_source(result.class_scores, frame.image_hw3.shape[:2])
        runs.append(ReferenceRun(frame, input_hw3, result, labels))
    return runs


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
    words = len(_queries(segmenter).words)
    identity = np.eye(segmenter.manifest.embedding_width, dtype=np.float32)
    tally = _Tally(words)
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


def mean_iou(confusion: np.ndarray) -> float | None:
    """Mean IoU over the classes in the truth of a (truth, label) count matrix; None if empty."""
    truth, labelled = confusion.sum(axis=1), confusion.sum(axis=0)
    present = truth > 0
    if not present.any():
        return None
    hits = np.diag(confusion[:, : len(truth)])
    return float((hits / np.maximum(truth + labelled[: len(truth)] - hits, 1))[present].mean())


class _Tally:
    """Counts over the frames of one comparison."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.agreements: list[float] = []
        self.pixel_agreements: list[float] = []
        self.margins: list[np.ndarray] = []
        self.cosines: dict[str, list[np.ndarray]] = {stage: [] for stage in STAGES}
        self.farthest: dict[str, tuple[float, Farthest]] = {}
        self.largest = [0.0, 0.0]
        self.confusions: list[tuple[np.ndarray, np.ndarray]] = []

    def add(
        self,
        run: ReferenceRun,
        raw: RawScores,
        embeddings: Mapping[str, np.ndarray],
        labels: np.ndarray,
        pixel_labels: np.ndarray,
    ) -> None:
        result, words = run.result, self.words
        self.agreements.append(float((labels == run.labels_hw).mean()))
        by_pixel = labels_at_source(result.pixel_scores, run.labels_hw.shape)
        self.pixel_agreements.append(float((pixel_labels == by_pixel).mean()))
        expected = result.class_scores.numpy()
        if words > 1:
            best = np.sort(expected.reshape(words, -1), axis=0)
            self.margins.append(best[-1] - best[-2])
        pairs = {
            "encoder": (result.patches, embeddings[PATCHES]),
            "decoder": (result.pixels, embeddings["pixel_scores"]),
            "units": (result.unit_pixels, embeddings["class_scores"]),
        }
        for stage, (wanted, found) in pairs.items():
            values = cosines(wanted.numpy(), found)
            self.cosines[stage].append(values)
            least = float(values.min())
            if least < self.farthest.get(stage, (np.inf, None))[0]:
                place = locate_farthest(run.frame.name, values, wanted.numpy(), found)
                self.farthest[stage] = (least, place)
        differences = (
            np.abs(np.asarray(raw.class_scores) - expected).max(),
            np.abs(np.asarray(raw.pixel_scores) - result.pixel_scores.numpy()).max(),
        )
        self.largest = [
            max(pair) for pair in zip(self.largest, map(float, differences), strict=True)
        ]
        if run.frame.labels_hw is not None:
            truth = run.frame.labels_hw
            self.confusions.append(
                (_confusion(truth, run.labels_hw, words), _confusion(truth, labels, words))
            )

    def parity(self, precision: str) -> Parity:
        confusions = [np.sum(part, axis=0) for part in zip(*self.confusions, strict=True)]
        return Parity(
            precision=precision,
            frames=len(self.agreements),
            label_agreement=float(np.mean(self.agreements)),
            worst_frame=min(self.agreements),
            pixel_label_agreement=float(np.mean(self.pixel_agreements)),
            median_margin=float(np.median(np.concatenate(self.margins))) if self.margins else 0.0,
            class_scores_max_abs=self.largest[0],
            pixel_scores_max_abs=self.largest[1],
            miou_reference=mean_iou(confusions[0]) if confusions else None,
            miou=mean_iou(confusions[1]) if confusions else None,
            stages={
                stage: _summary(np.concatenate(values), self.farthest[stage][1])
                for stage, values in self.cosines.items()
            },
        )


def _queries(segmenter: Segmenter) -> TextQueries:
    if segmenter.classes is None:
        raise ValueError("the segmenter has no classes set")
    return segmenter.classes


def cosines(wanted_dhw: np.ndarray, found_dhw: np.ndarray) -> np.ndarray:
    """Cosine at each position of two (D, h, w) maps: float64 (h * w,); 0 where not finite."""
    wanted = wanted_dhw.reshape(wanted_dhw.shape[0], -1).astype(np.float64)
    found = found_dhw.reshape(found_dhw.shape[0], -1).astype(np.float64)
    lengths = np.linalg.norm(wanted, axis=0) * np.linalg.norm(found, axis=0)
    with np.errstate(invalid="ignore"):
        values = (wanted * found).sum(axis=0) / np.maximum(lengths, 1e-12)
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def locate_farthest(
    frame: str, cosines_n: np.ndarray, wanted_dhw: np.ndarray, found_dhw: np.ndarray
) -> Farthest:
    """Say where two maps (D, h, w) differ most by their cosines (h * w,)."""
    row, column = divmod(int(cosines_n.argmin()), wanted_dhw.shape[2])
    apart_d = np.abs(found_dhw[:, row, column] - wanted_dhw[:, row, column])
    return Farthest(frame, row, column, float(apart_d.max()))


def _summary(values: np.ndarray, farthest: Farthest) -> StageParity:
    low = float(np.percentile(values, 1))
    return StageParity(float(values.mean()), low, float(values.min()), farthest)


def _confusion(truth: np.ndarray, labels: np.ndarray, words: int) -> np.ndarray:
    """Counts (truth, label), a pixel without truth left out."""
    known = truth < words
    index = truth[known].astype(np.int64) * words + labels[known]
    return np.bincount(index, minlength=words * words).reshape(words, words)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 7) if isinstance(value, float) else value
