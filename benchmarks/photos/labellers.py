"""Answers to questions about a photograph: by adaptive units, by pixels, by fixed groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from benchmarks.photos.questions import Question
from benchmarks.scoring.embeddings import embed_frame
from benchmarks.scoring.groups import group_pixels, mean_embeddings
from runtime import Segmenter
from runtime.segment.decision import label_as_decided
from runtime.segment.frames import Units, WantedUnits
from runtime.text.queries import TextQueries

KINDS = ("adaptive", "pixel", "groups")
# Beside the embedding, as groups have them in benchmarks.ablation.
COLOR_WEIGHT, PLACE_WEIGHT = 4.5, 2.5


@dataclass
class PhotoLabeller:
    """A segmenter that answers questions with each kind of unit.

    Attributes:
        segmenter: on the bundle that is measured.
        kinds: of :data:`KINDS`.
        slots: how many groups a photograph has.
    """

    segmenter: Segmenter
    kinds: Sequence[str]
    slots: int
    _queries: dict[tuple[tuple[str, ...], tuple[str, ...]], TextQueries] = field(
        default_factory=dict
    )

    def answer(
        self, frame_bgr: np.ndarray, questions: Sequence[Question]
    ) -> list[dict[str, np.ndarray]]:
        """For each question, by kind, the label values uint8 (h, w) at the photograph's size."""
        grouped_dhw = self._group(frame_bgr) if "groups" in self.kinds else None
        return [self._answer(frame_bgr, question, grouped_dhw) for question in questions]

    def _answer(
        self, frame_bgr: np.ndarray, question: Question, grouped_dhw: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        segmenter = self.segmenter
        segmenter.classes = queries = self._prepare(question)
        values: dict[str, np.ndarray] = {}
        raw = None
        for kind in self.kinds:
            if kind == "groups":
                assert grouped_dhw is not None
                labels_hw = self._label_groups(queries, grouped_dhw, frame_bgr)
            else:
                raw = raw or segmenter.infer(segmenter.preprocess(frame_bgr), units=self._wanted())
                units: Units = "adaptive" if kind == "adaptive" else "pixel"
                labels_hw = segmenter.postprocess(raw, units=units).labels
            values[kind] = question.value_of_label[labels_hw]
        return values

    def _wanted(self) -> WantedUnits:
        if "pixel" not in self.kinds:
            return "adaptive"
        return "both" if "adaptive" in self.kinds else "pixel"

    def _prepare(self, question: Question) -> TextQueries:
        key = (question.words, question.background)
        if key not in self._queries:
            background = list(question.background) or "none"
            words = list(question.words)
            self._queries[key] = self.segmenter.set_classes(words, background, allow_unknown=True)
        return self._queries[key]

    def _group(self, frame_bgr: np.ndarray) -> np.ndarray:
        """Each pixel's group's embedding, (D, h', w')."""
        embeddings_dhw = embed_frame(self.segmenter, frame_bgr, "pixel")
        width, *grid_hw = embeddings_dhw.shape
        embeddings_nd = np.ascontiguousarray(embeddings_dhw.reshape(width, -1).T)
        color_hw3 = cv2.resize(frame_bgr, tuple(grid_hw[::-1]), interpolation=cv2.INTER_AREA)
        y_hw, x_hw = np.mgrid[0 : grid_hw[0], 0 : grid_hw[1]]
        weight = self.segmenter.manifest.units.get("embedding_weight", 1.0)
        parts = (
            embeddings_nd * weight,
            color_hw3.reshape(-1, 3) * (COLOR_WEIGHT / 255),
            np.stack([y_hw.ravel(), x_hw.ravel()], axis=1) * (PLACE_WEIGHT / max(grid_hw)),
        )
        slot_n = group_pixels(np.concatenate(parts, axis=1).astype(np.float32), self.slots)
        mean_nd = mean_embeddings(embeddings_nd, slot_n, self.slots)[slot_n]
        return mean_nd.T.reshape(width, *grid_hw)

    def _label_groups(
        self, queries: TextQueries, grouped_dhw: np.ndarray, frame_bgr: np.ndarray
    ) -> np.ndarray:
        scores_khw = np.tensordot(queries.text, grouped_dhw.astype(np.float32), axes=1)
        height, width = frame_bgr.shape[:2]
        decision, scores_khw = self.segmenter.decision, np.ascontiguousarray(scores_khw)
        return label_as_decided(scores_khw, queries.label_of_row, (width, height), decision)
