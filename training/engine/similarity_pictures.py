"""What a model sees of some words in some pictures, as one picture for the log.

Shape legend: b pictures, k words, h w their size.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from training.data.batches import Batch, normalize_images
from training.engine.evaluation import embed_names
from training.model.mgca import MgcaModel

MOST_WORDS = 6
# Of a map beside the picture that it lies on.
OPACITY = 0.6
CAPTION_PIXELS = 14


def choose_words(batch: Batch, asked: Sequence[str]) -> tuple[str, ...]:
    """The words that are asked for; else the nouns that most of the batch's images name, none where
    it carries none.
    """
    if asked or batch.named_bu is None:
        return tuple(asked)
    named = batch.named_bu.sum(0).tolist()
    order = sorted(range(len(named)), key=lambda noun: (-named[noun], batch.noun_names[noun]))
    return tuple(batch.noun_names[noun] for noun in order[:MOST_WORDS])


def has_words(batch: Batch | None, asked: Sequence[str]) -> bool:
    """Whether there are pictures and words to draw."""
    return batch is not None and bool(choose_words(batch, asked))


@torch.no_grad()
def draw_similarities(
    model: MgcaModel, shown: Batch, asked: Sequence[str], *, baseline: bool = False
) -> np.ndarray:
    """A row for each picture: the picture, and over it each word's cosines with its pixels, from
    dark (the word's lowest in any of the pictures) to bright (its highest); both stand above.

    Args:
        model: on any device; left in eval mode.
        shown: the pictures.
        asked: the words; none: the nouns that most of the pictures' captions name.
        baseline: of CLIP's own dense features instead of the decoder's.

    Returns:
        uint8 (b * (h + 14), (k + 1) * w, 3) RGB.
    """
    model.eval()
    words, images_bhw3 = choose_words(shown, asked), shown.images_bhw3
    images = images_bhw3.to(model.text_center.device)
    normal = normalize_images(images)
    embed = model.baseline_embeddings if baseline else model.pixel_embeddings
    text_kd = embed_names(model, words)
    cosines_bkhw = torch.einsum("kd,bdhw->bkhw", text_kd, embed(normal).float()).cpu().numpy()
    lowest, highest = cosines_bkhw.min((0, 2, 3)), cosines_bkhw.max((0, 2, 3))
    rows = []
    for picture_hw3, maps_khw in zip(images_bhw3.cpu().numpy(), cosines_bkhw, strict=True):
        row = [_titled(picture_hw3, "")]
        for word, map_hw, low, high in zip(words, maps_khw, lowest, highest, strict=True):
            share_hw = (map_hw - low) / max(float(high - low), 1e-6)
            row.append(_titled(_lay_over(picture_hw3, share_hw), f"{word} {low:.2f}..{high:.2f}"))
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows)


def _lay_over(picture_hw3: np.ndarray, share_hw: np.ndarray) -> np.ndarray:
    height, width = picture_hw3.shape[:2]
    enlarged_hw = cv2.resize(share_hw.astype(np.float32), (width, height))
    colored = cv2.applyColorMap(
        (255 * enlarged_hw.clip(0, 1)).astype(np.uint8), cv2.COLORMAP_VIRIDIS
    )
    return cv2.addWeighted(colored[..., ::-1], OPACITY, picture_hw3, 1 - OPACITY, 0)


def _titled(picture_hw3: np.ndarray, title: str) -> np.ndarray:
    bar = np.zeros((CAPTION_PIXELS, picture_hw3.shape[1], 3), np.uint8)
    place, color = (2, CAPTION_PIXELS - 4), (255, 255, 255)
    cv2.putText(bar, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.33, color, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture_hw3])
