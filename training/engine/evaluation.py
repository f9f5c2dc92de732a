"""mIoU on held-out StreetWorld scenes, during training. The only module of training that looks at
masks.

The figure to quote is ``python -m benchmarks.accuracy``'s, which runs the exported bundle at source
resolution; this one follows the curve.

Shape legend: k classes, d embedding width, h w scene, h' w' decoder's grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from runtime.confusion_matrix import count_confusions, mean_iou, named_ious
from training.config.run import EvalConfig
from training.data.batches import normalize_images, unit_images
from training.data.streetworld import CLASS_NAMES, generate_scene
from training.model.clip import tokenizer_for
from training.model.mgca import MgcaModel
from training.model.prompts import templates_for
from training.model.resample import shrink_to
from training.model.unit_length import normalize
from training.model.unit_space import UnitSpace
from training.model.units import AdaptiveUnits, UnitSettings

UNITS = ("adaptive", "pixel")


@dataclass(frozen=True)
class Score:
    """Intersection over union of one confusion matrix over all scenes.

    Attributes:
        miou: the mean over the classes that occur in the truth, a fraction.
        iou: of each of those, by name, fractions.
    """

    miou: float
    iou: dict[str, float]


def embed_names(model: MgcaModel, names: tuple[str, ...]) -> Tensor:
    """(k, d) unit-length text embeddings: mean over the prompts, then centred, then normalised."""
    _, templates = templates_for(model.config.clip_name, model.config.prompts)
    tokenizer = tokenizer_for(model.clip)
    device = model.text_center.device
    rows = []
    with torch.no_grad():
        for name in names:
            tokens = tokenizer([template.format(name) for template in templates]).to(device)
            raw = model.read_text(tokens)
            rows.append(normalize(raw.mean(0) - model.text_center, dim=-1))
    return torch.stack(rows)


def held_out_scenes(config: EvalConfig) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Image uint8 (h, w, 3) and truth uint8 (h, w) of the evaluation namespace."""
    for seed in range(config.first_seed, config.first_seed + config.scenes):
        scene = generate_scene(seed, namespace="eval", size_wh=config.size_wh)
        yield scene.image_hw3, scene.labels_hw


@torch.no_grad()
def evaluate(
    model: MgcaModel,
    config: EvalConfig,
    settings: UnitSettings,
    *,
    space: UnitSpace | None = None,
    baseline: bool = False,
) -> dict[str, Score]:
    """Score the model with both prediction units.

    Args:
        model: on any device; left in eval mode.
        config: which scenes.
        settings: unit settings.
        space: where pixels gather into units; None: among the embeddings as they are.
        baseline: score CLIP's own dense features instead of the decoder's.

    Returns:
        ``{"adaptive": ..., "pixel": ...}``.
    """
    model.eval()
    device = model.text_center.device
    text_kd = embed_names(model, CLASS_NAMES)
    units = AdaptiveUnits(settings, space)
    classes = len(CLASS_NAMES)
    confusions = {name: np.zeros((classes, classes + 1), np.int64) for name in UNITS}
    for image_hw3, truth_hw in held_out_scenes(config):
        image = torch.from_numpy(image_hw3).to(device).unsqueeze(0)
        normal = normalize_images(image)
        embeddings_dhw = (
            model.baseline_embeddings(normal) if baseline else model.pixel_embeddings(normal)
        )[0]
        grid_hw = (int(embeddings_dhw.shape[1]), int(embeddings_dhw.shape[2]))
        colors = shrink_to(unit_images(image), grid_hw)[0]
        found = units(embeddings_dhw, colors)
        scores_khw = {
            "adaptive": found.read(found.embeddings_ud @ text_kd.T),
            "pixel": (text_kd @ embeddings_dhw.flatten(1)).reshape(-1, *grid_hw),
        }
        for name, scores in scores_khw.items():
            scores_hwk = scores.permute(1, 2, 0).cpu().numpy()
            labels_hw = label_scores(scores_hwk, truth_hw.shape)
            confusions[name] += count_confusions(truth_hw, labels_hw, classes)
    return {
        name: Score(mean_iou(confusion), named_ious(confusion, CLASS_NAMES))
        for name, confusion in confusions.items()
    }


def label_scores(scores_hwk: np.ndarray, size_hw: tuple[int, ...]) -> np.ndarray:
    """Enlarge scores bilinearly (half-pixel centres) and take the best class: uint8 (h, w)."""
    enlarged = [
        cv2.resize(
            np.ascontiguousarray(scores_hwk[..., k]),
            (size_hw[1], size_hw[0]),
            interpolation=cv2.INTER_LINEAR,
        )
        for k in range(scores_hwk.shape[2])
    ]
    return np.argmax(np.stack(enlarged), axis=0).astype(np.uint8)
