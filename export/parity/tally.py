"""What is counted while an exported graph is compared with the reference, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from export.graph.intermediate_outputs import PATCHES
from export.parity.figures import STAGES, Farthest, Parity, StageParity
from export.parity.reference import labels_at_source
from export.parity.reference_run import ReferenceRun
from runtime.segment.frames import RawScores


class ParityTally:
    """Counts over the frames of one comparison.

    Args:
        words: how many words the labels are of.
    """

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
        """Take one frame into account.

        Args:
            run: the frame with the reference's answers.
            raw: the graph's scores for the same words.
            embeddings: the graph's own embeddings, float32: ``patches`` (D, hp, wp),
                ``pixel_scores`` and ``class_scores`` against the identity (D, h', w').
            labels: uint8 (H, W) at the source's size, read from the units.
            pixel_labels: likewise, read from the pixels.
        """
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
        """Return the figures over all frames so far; needs at least one."""
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


def mean_iou(confusion: np.ndarray) -> float | None:
    """Mean IoU over the classes in the truth of a (truth, label) count matrix; None if empty."""
    truth, labelled = confusion.sum(axis=1), confusion.sum(axis=0)
    present = truth > 0
    if not present.any():
        return None
    hits = np.diag(confusion[:, : len(truth)])
    return float((hits / np.maximum(truth + labelled[: len(truth)] - hits, 1))[present].mean())


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
