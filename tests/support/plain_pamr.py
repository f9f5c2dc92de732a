"""PAMR once more, as the paper says it: in float64, place by place, nothing shared with ours.

Araslanov and Roth, CVPR 2020, equations 4 and 5: the affinity of two pixels is -|x_i - x_j| over
(0.1 times) the local deviation of the intensities, averaged over the channels, then a softmax over
the neighbors; masks are averaged with it again and again. The published code takes the deviation
over each dilation's whole patch of nine, with the sample's denominator, and repeats the border.
"""

from __future__ import annotations

import numpy as np


def refine(
    scores_khw: np.ndarray, colors_3hw: np.ndarray, dilations: tuple[int, ...], rounds: int = 10
) -> np.ndarray:
    """(k, h, w) scores refined by (3, h, w) colors: float64 (k, h, w)."""
    colors = colors_3hw.astype(np.float64)
    patch = np.stack([near for at in dilations for near in nine(colors, at)])
    deviation = np.std(patch, axis=0, ddof=1)
    distances = [np.abs(near - colors) for at in dilations for near in eight(colors, at)]
    affinity = np.stack([-(apart / (1e-8 + 0.1 * deviation)).mean(axis=0) for apart in distances])
    weights = np.exp(affinity - affinity.max(axis=0))
    weights /= weights.sum(axis=0)
    scores = scores_khw.astype(np.float64)
    for _ in range(rounds):
        near = np.stack([maps for at in dilations for maps in eight(scores, at)])
        scores = np.einsum("phw,pkhw->khw", weights, near)
    return scores


def nine(maps: np.ndarray, distance: int) -> list[np.ndarray]:
    """The maps moved by 0 or ``distance`` along both axes, row by row of the patch."""
    padded = np.pad(maps, ((0, 0), (distance, distance), (distance, distance)), mode="edge")
    height, width = maps.shape[1:]
    return [
        padded[:, down : down + height, right : right + width]
        for down in (0, distance, 2 * distance)
        for right in (0, distance, 2 * distance)
    ]


def eight(maps: np.ndarray, distance: int) -> list[np.ndarray]:
    """The same without the pixel itself."""
    around = nine(maps, distance)
    return around[:4] + around[5:]
