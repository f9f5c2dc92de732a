"""The three prediction units behind one call, and the small grid that each is tuned on.

Pixels, fixed groups and adaptive units get the same embeddings, the same text and the same bilinear
upsampling of scores, and as many settings to choose from: eight each. Groups and units gather in
the same space, by the same weights of color and place beside the embedding.

Shape legend: d embedding width, h w the decoder's grid, n = h w, k words, u units.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.scoring.groups import group_pixels, mean_embeddings
from training.model.unit_space import UnitSpace
from training.model.units import AdaptiveUnits, UnitSettings

KINDS = ("pixel", "groups", "adaptive")
Setting = dict[str, Any]

# What color and place may weigh beside the embedding, for groups and units alike; chosen on scenes
# that no table reports.
_BESIDE: tuple[Setting, ...] = (
    {"color_weight": 4.5, "place_weight": 2.5},
    {"color_weight": 6.7, "place_weight": 1.8},
)
GRIDS: dict[str, tuple[Setting, ...]] = {
    # Gaussian over the scores: what a filter gives without any unit; in cells of the grid.
    "pixel": tuple({"smoothing": s} for s in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)),
    "groups": tuple(
        {"slots": slots, **beside} for slots, beside in product((8, 16, 32, 48), _BESIDE)
    ),
    "adaptive": tuple(
        {"merge_cosine": merge, **beside}
        for merge, beside in product((0.96, 0.98, 0.99, 1.01), _BESIDE)
    ),
}
# One setting of the adaptive units at a time, the others as chosen.
VARIATIONS: tuple[Setting, ...] = (
    *({"seeds": value} for value in (16, 36, 64, 144, 256)),
    *({"second_seeds": value} for value in (0.0, 2.5, 5.0, 10.0)),
    *({"rounds": value} for value in (1, 2, 3, 5)),
    *({"embedding_weight": value} for value in (0.0, 0.3, 0.65, 1.3, 2.6)),
    *({"color_weight": value} for value in (0.0, 0.5, 1.7, 3.3, 6.7)),
    *({"place_weight": value} for value in (0.0, 1.0, 2.5, 5.0)),
    *({"sharpness": value} for value in (2.25, 4.5, 9.0, 18.0, 36.0)),
    *({"merge_cosine": value} for value in (0.9, 0.95, 0.97, 0.98, 0.99, 1.01)),
    *({"merge_rounds": value} for value in (1, 2, 4, 8)),
)


@dataclass(frozen=True)
class View:
    """What a prediction is made of.

    Attributes:
        embeddings_dhw: unit length along d.
        colors_3hw: RGB in [0, 1] on the same grid.
        text_kd: unit length.
        units: the checkpoint's own settings, which a grid's setting changes in part.
        space: where pixels gather into units and groups; None: among the embeddings as they are.
    """

    embeddings_dhw: Tensor
    colors_3hw: Tensor
    text_kd: Tensor
    units: UnitSettings
    space: UnitSpace | None = None


@dataclass(frozen=True)
class Prediction:
    """Scores float32 (h, w, k) and the unit that each pixel belongs to, int64 (h, w)."""

    scores_hwk: np.ndarray
    unit_hw: np.ndarray


@torch.no_grad()
def predict(kind: str, setting: Setting, view: View) -> Prediction:
    """Class scores on the decoder's grid, with one of :data:`KINDS`."""
    return {"pixel": _by_pixel, "groups": _by_group, "adaptive": _by_unit}[kind](setting, view)


def _by_pixel(setting: Setting, view: View) -> Prediction:
    grid_hw = tuple(view.embeddings_dhw.shape[1:])
    scores_hwk = _as_map(view.embeddings_dhw.flatten(1).T @ view.text_kd.T, grid_hw)
    sigma = setting["smoothing"]
    if sigma:
        scores_hwk = np.stack(
            [
                cv2.GaussianBlur(
                    np.ascontiguousarray(scores_hwk[..., k]), (0, 0), sigma,
                    borderType=cv2.BORDER_REPLICATE,
                )
                for k in range(scores_hwk.shape[2])
            ],
            axis=2,
        )  # fmt: skip
    return Prediction(scores_hwk, np.arange(grid_hw[0] * grid_hw[1]).reshape(grid_hw))


def _by_group(setting: Setting, view: View) -> Prediction:
    grid_hw = tuple(view.embeddings_dhw.shape[1:])
    embeddings_nd = np.ascontiguousarray(view.embeddings_dhw.flatten(1).T.numpy())
    features_nf = embeddings_nd
    if view.space is not None:
        features_nf = view.space(view.embeddings_dhw.flatten(1).T).numpy()
    y_hw, x_hw = np.mgrid[0 : grid_hw[0], 0 : grid_hw[1]]
    place_n2 = np.stack([y_hw.ravel(), x_hw.ravel()], axis=1) / max(grid_hw)
    color_n3 = view.colors_3hw.flatten(1).T.numpy()
    weighed = (
        features_nf * view.units.embedding_weight,
        color_n3 * setting["color_weight"],
        place_n2 * setting["place_weight"],
    )
    features_nf = np.concatenate(weighed, axis=1).astype(np.float32)
    slot_n = group_pixels(features_nf, setting["slots"])
    embeddings_ud = mean_embeddings(embeddings_nd, slot_n, setting["slots"])
    scores_uk = embeddings_ud @ view.text_kd.T.numpy()
    return Prediction(scores_uk[slot_n].reshape(*grid_hw, -1), slot_n.reshape(grid_hw))


def _by_unit(setting: Setting, view: View) -> Prediction:
    settings = dataclasses.replace(view.units, **setting)
    units = AdaptiveUnits(settings, view.space)(view.embeddings_dhw, view.colors_3hw)
    scores_khw = units.read(units.embeddings_ud @ view.text_kd.T)
    return Prediction(scores_khw.permute(1, 2, 0).numpy(), units.unit_of_pixel_hw.numpy())


def _as_map(scores_nk: Tensor, grid_hw: tuple[int, ...]) -> np.ndarray:
    return scores_nk.reshape(*grid_hw, -1).numpy()
