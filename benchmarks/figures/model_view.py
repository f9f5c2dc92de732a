"""A checkpoint looked at: embeddings, units and words, as plain arrays for the figures.

Shape legend: d embedding width, h' w' the decoder's grid, u unit slots, k words.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from runtime.errors import UserError
from runtime.segment.labelling import label_pixels
from training.data.streetworld import vocabulary_words

Way = Literal["baseline", "pixel", "units"]


@dataclass(frozen=True)
class Sight:
    """What a model makes of one frame, float32.

    Attributes:
        baseline_dhw: CLIP's own dense features on the decoder's grid, unit length along d.
        pixels_dhw: the decoder's embeddings, unit length along d.
        units_ud: the units' embeddings; zeros in empty slots.
        assignment_uhw: how much each grid pixel belongs to each unit, sums to 1 over u.
    """

    baseline_dhw: np.ndarray
    pixels_dhw: np.ndarray
    units_ud: np.ndarray
    assignment_uhw: np.ndarray

    def scores(self, text_kd: np.ndarray, way: Way) -> np.ndarray:
        """Cosines of the words, float32 (k, h', w'), read off one of the three."""
        if way == "units":
            return np.einsum("kd,ud,uhw->khw", text_kd, self.units_ud, self.assignment_uhw)
        embeddings_dhw = self.baseline_dhw if way == "baseline" else self.pixels_dhw
        return np.einsum("kd,dhw->khw", text_kd, embeddings_dhw)

    def labels(self, text_kd: np.ndarray, way: Way, size_wh: tuple[int, int]) -> np.ndarray:
        """The best word of each pixel, uint8 (h, w), enlarged as the runtime does it."""
        scores_khw = self.scores(text_kd, way).astype(np.float32)
        return label_pixels(scores_khw, np.arange(len(text_kd), dtype=np.uint8), size_wh)

    def unit_map(self, size_wh: tuple[int, int]) -> np.ndarray:
        """The unit each pixel belongs to most, int32 (h, w): its slot. There may be more than a
        byte can tell.
        """
        shares_uhw = self.assignment_uhw.astype(np.float32)
        enlarged = [cv2.resize(hw, size_wh, interpolation=cv2.INTER_LINEAR) for hw in shares_uhw]
        return np.argmax(enlarged, axis=0).astype(np.int32)


class CheckpointView:
    """A trained model, asked with numpy arrays.

    Args:
        path: of a checkpoint, :class:`UserError` if there is none.
        size_wh: input size; None: what an export of this run would use.
    """

    def __init__(self, path: Path, size_wh: tuple[int, int] | None = None) -> None:
        from training.engine.checkpoint import load_checkpoint
        from training.model.units import AdaptiveUnits

        checkpoint = load_checkpoint(path)
        self.model = checkpoint.model.eval()
        self.units = AdaptiveUnits(checkpoint.config.units, checkpoint.unit_space)
        self.size_wh = size_wh or checkpoint.config.export_size_wh
        patch = self.model.encoder.patch_size
        if self.size_wh[0] % patch or self.size_wh[1] % patch:
            raise UserError(
                f"--size {self.size_wh[0]}x{self.size_wh[1]} is not a multiple of the patch "
                f"{patch} of '{path}'; give one"
            )

    def embed(self, words: Sequence[str]) -> np.ndarray:
        """Text embeddings float32 (k, d); :class:`UserError` for what the model cannot know."""
        from training.engine.evaluation import embed_names
        from training.model.clip import is_ours

        if is_ours(self.model.config.clip_name):
            for word in words:
                _check_known(word)
        return embed_names(self.model, tuple(words)).numpy()

    def see(self, frame_bgr: np.ndarray) -> Sight:
        """Look at a frame, BGR uint8 of any size."""
        import torch

        from training.data.batches import normalize_images, unit_images
        from training.model.resample import shrink_to

        frame_rgb = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)
        shrinks = frame_rgb.shape[1] >= self.size_wh[0] and frame_rgb.shape[0] >= self.size_wh[1]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = torch.from_numpy(cv2.resize(frame_rgb, self.size_wh, interpolation=way))[None]
        with torch.no_grad():
            normal = normalize_images(image)
            pixels_dhw = self.model.pixel_embeddings(normal)[0]
            grid_hw = (int(pixels_dhw.shape[1]), int(pixels_dhw.shape[2]))
            colors = shrink_to(unit_images(image), grid_hw)[0]
            units = self.units(pixels_dhw, colors)
            baseline_dhw = self.model.baseline_embeddings(normal)[0]
        assignment_uhw = units.assignment_nu.T.reshape(-1, *grid_hw)
        return Sight(
            baseline_dhw.numpy(),
            pixels_dhw.numpy(),
            units.embeddings_ud.numpy(),
            assignment_uhw.numpy(),
        )


def _check_known(word: str) -> None:
    """The demo's CLIP was trained on StreetWorld's words alone."""
    known = vocabulary_words()
    apart = {part for name in known for part in name.split()}
    if word in known or all(part in apart for part in word.split()):
        return
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.0)
    raise UserError(
        f"the word {word!r} is unknown to this model; the nearest it knows: {', '.join(near)}"
    )
