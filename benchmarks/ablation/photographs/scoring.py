"""What a trained row reaches, in PyTorch: photographs with masks, a drive, captions.

Pictures are seen by the frozen trunk once for all rows. Pixels, fixed groups and adaptive units get
the same embeddings; groups and units have the recipe's settings, nothing is chosen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.ablation.frames import SeenFrame, decoded_by, see_frames
from benchmarks.ablation.photographs.study import Study
from benchmarks.ablation.prediction import KINDS, Setting, View, predict
from benchmarks.datasets.camvid import camvid_set
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.datasets.folder import PhotoFolder, open_folder
from benchmarks.datasets.label_image import read_photograph
from benchmarks.photos.questions import Question, ask
from benchmarks.photos.scores import Tally
from benchmarks.retrieval.captions import read_captions
from benchmarks.retrieval.pooling import PoolSettings, pool_object
from benchmarks.retrieval.recall import describe_recall
from benchmarks.scoring.boundary import boundary_f_score
from runtime.confusion_matrix import count_confusions, mean_iou
from training.engine.checkpoint import Checkpoint
from training.engine.evaluation import embed_names, label_scores
from training.model.clip import tokenizer_for
from training.model.mgca import MgcaModel

#: CamVid's frames that no setting was chosen on.
CAMVID_FRAMES = (51, 101)
SLOTS = 16  # fixed groups a picture
_AT_ONCE = 64


def check_sets(study: Study) -> None:
    """See that all that is scored is there, without reading a picture; raises ``UserError``."""
    open_folder(study.photographs)
    if study.camvid:
        camvid_set(study.camvid, CAMVID_FRAMES)
    read_captions(study.captions, "dev")


class Scorer:
    """Pictures and words of all sets, the pictures as a trunk sees them.

    Args:
        model: whose frozen towers are every row's.
        study: where the sets are.
        size_wh: of a picture in the trunk.
    """

    def __init__(self, model: MgcaModel, study: Study, size_wh: tuple[int, int]) -> None:
        self.folder = open_folder(study.photographs)
        self.photographs = see_frames(model, _as_set(self.folder), size_wh)
        self.camvid = camvid_set(study.camvid, CAMVID_FRAMES) if study.camvid else None
        self.drive = see_frames(model, self.camvid, size_wh) if self.camvid else []
        self.captioned = read_captions(study.captions, "dev")
        self.dev = see_frames(model, _without_truth(self.captioned.images), size_wh)

    def score(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """A row's figures: fractions, by set.

        Args:
            checkpoint: as training ended.

        Returns:
            ``photographs`` (the three figures' mIoU and boundary F by kind of unit), ``retrieval``
            (R@5 of texts, pooled under each caption's mask on the patch grid) and ``camvid`` (mIoU
            and boundary F by kind; if it is there).
        """
        subject = _Subject(checkpoint)
        found: dict[str, Any] = {
            "photographs": self._score_photographs(subject),
            "retrieval": {"r5": self._recall(subject)},
        }
        if self.camvid:
            found["camvid"] = _score_drive(subject, self.camvid, self.drive)
        return found

    def _score_photographs(self, subject: _Subject) -> dict[str, Any]:
        tallies: dict[str, Tally] = {}
        shown = tqdm(self.photographs, "photographs", leave=False, disable=None)
        for number, seen in enumerate(shown):
            photograph = self.folder.photographs[number]
            embeddings_dhw = subject.embed(seen)
            for question in ask(self.folder, photograph, seen.truth_hw):
                tally = tallies.setdefault(question.figure, Tally(self.folder.value_names()))
                tally.add(number, question, subject.answer(question, seen, embeddings_dhw))
        return {
            figure: {
                kind: {"miou": score["miou"], "boundary_f": score["boundary_f"]}
                for kind, score in tally.to_record()["by_units"].items()
            }
            for figure, tally in tallies.items()
        }

    @torch.no_grad()
    def _recall(self, subject: _Subject) -> float:
        model = subject.model
        tokenizer = tokenizer_for(model.clip)
        captions = self.captioned.captions
        text_kd = torch.cat(
            [
                model.encode_text(tokenizer(list(captions[start : start + _AT_ONCE])))
                for start in range(0, len(captions), _AT_ONCE)
            ]
        ).numpy()
        settings = PoolSettings(1 / subject.logit_scale, 1.0)
        scores_cp = np.empty((len(captions), len(self.dev)), np.float32)
        for number, seen in enumerate(self.dev):
            embeddings_dn = subject.embed_patches(seen).flatten(1).numpy()
            scores_cp[:, number] = pool_object(text_kd @ embeddings_dn, embeddings_dn, settings)
        recall: dict[str, Any] = describe_recall(scores_cp, self.captioned.owner)
        return float(recall["text_to_image"]["r5"])


class _Subject:
    """A trained row that answers."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.model = checkpoint.model.eval()
        self.units = checkpoint.config.units
        self.space = checkpoint.unit_space
        self.logit_scale = checkpoint.config.losses.logit_scale
        self.embed = decoded_by(self.model)
        self._words: dict[str, Tensor] = {}
        beside: Setting = {
            "color_weight": self.units.color_weight,
            "place_weight": self.units.place_weight,
        }
        self.settings: dict[str, Setting] = {
            "pixel": {"smoothing": 0.0},
            "groups": {"slots": SLOTS, **beside},
            "adaptive": {},
        }

    @torch.no_grad()
    def embed_patches(self, seen: SeenFrame) -> Tensor:
        """(d, hp, wp), unit length."""
        embeddings: Tensor = self.model.decoder.align_patches(seen.features)  # type: ignore
        return embeddings[0]

    def embed_words(self, words: Sequence[str]) -> Tensor:
        """(k, d), unit length; each word is read once."""
        new = tuple(dict.fromkeys(word for word in words if word not in self._words))
        if new:
            self._words.update(zip(new, embed_names(self.model, new), strict=True))
        return torch.stack([self._words[word] for word in words])

    def answer(
        self, question: Question, seen: SeenFrame, embeddings_dhw: Tensor
    ) -> dict[str, np.ndarray]:
        """By kind of unit, the label values uint8 (h, w) at the photograph's size."""
        words = (*question.words, *question.background)
        found = {}
        for kind, labels_hw in self.label(words, seen, embeddings_dhw).items():
            none_hw = labels_hw >= len(question.words)
            found[kind] = question.value_of_label[np.where(none_hw, np.uint8(255), labels_hw)]
        return found

    def label(
        self, words: Sequence[str], seen: SeenFrame, embeddings_dhw: Tensor
    ) -> dict[str, np.ndarray]:
        """By kind of unit, the place of the best word, uint8 (h, w) at the picture's size."""
        text_kd = self.embed_words(words)
        view = View(embeddings_dhw, seen.colors_3hw, text_kd, self.units, self.space)
        return {
            kind: label_scores(
                predict(kind, self.settings[kind], view).scores_hwk, seen.truth_hw.shape
            )
            for kind in KINDS
        }


def _score_drive(
    subject: _Subject, dataset: EvaluationSet, frames: Sequence[SeenFrame]
) -> dict[str, Any]:
    classes = len(dataset.words)
    totals = {kind: np.zeros((classes, classes + 1), np.int64) for kind in KINDS}
    edges: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for seen in tqdm(frames, dataset.name, leave=False, disable=None):
        for kind, labels_hw in subject.label(dataset.words, seen, subject.embed(seen)).items():
            totals[kind] += count_confusions(seen.truth_hw, labels_hw, classes)
            edges[kind].append(boundary_f_score(seen.truth_hw, labels_hw))
    return {
        kind: {"miou": mean_iou(totals[kind]), "boundary_f": float(np.mean(edges[kind]))}
        for kind in KINDS
    }


def _as_set(folder: PhotoFolder) -> EvaluationSet:
    """Photographs as frames; their values are the folder's own."""

    def open_frames() -> Iterator[EvaluationFrame]:
        for photograph in folder.photographs:
            yield EvaluationFrame(photograph.image.stem, *photograph.read())

    # Every value stays as it is: questions say which of them count.
    return EvaluationSet("photographs", ("",) * 255, len(folder.photographs), open_frames)


def _without_truth(images: Sequence[Path]) -> EvaluationSet:
    def open_frames() -> Iterator[EvaluationFrame]:
        for path in images:
            frame_bgr = read_photograph(path)
            yield EvaluationFrame(path.stem, frame_bgr, np.full(frame_bgr.shape[:2], 255, np.uint8))

    return EvaluationSet("captioned", (), len(images), open_frames)
