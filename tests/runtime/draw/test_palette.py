"""Colors of labels, measured for normal and for color-blind eyes.

The simulation is that of Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (IEEE TVCG 15(6), 2009), the matrices for severity 1.0, in
linear RGB. The distance is CIEDE2000 (Sharma, Wu and Dalal, 2005), D65. The list before this one
had 2.2 among its first eight, 6.7 between neighbors of the first sixteen and 2.8 to the end.
"""

from __future__ import annotations

import numpy as np
import pytest

from runtime.draw.palette import palette

SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip


def to_lab(colors_bgr: np.ndarray, sight: np.ndarray) -> np.ndarray:
    levels = colors_bgr[:, ::-1] / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ sight.T, 0, 1) @ XYZ.T / (0.95047, 1, 1.08883)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The formula in the paper's notation."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh = (h2 - h1 + 180) % 360 - 180
    dhue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    l, c, h = (l1 + l2) / 2, (c1 + c2) / 2, h1 + dh / 2  # noqa: E741

    def cos(degrees: np.ndarray) -> np.ndarray:
        return np.cos(np.radians(degrees))

    t = 1 - 0.17 * cos(h - 30) + 0.24 * cos(2 * h) + 0.32 * cos(3 * h + 6) - 0.2 * cos(4 * h - 63)
    turn = 30 * np.exp(-((((h % 360) - 275) / 25) ** 2))
    rotation = -np.sin(np.radians(2 * turn)) * 2 * np.sqrt(c**7 / (c**7 + 25.0**7))
    dl = (l2 - l1) / (1 + 0.015 * (l - 50) ** 2 / np.sqrt(20 + (l - 50) ** 2))
    dc, dhue = (c2 - c1) / (1 + 0.045 * c), dhue / (1 + 0.015 * c * t)
    return np.sqrt(dl**2 + dc**2 + dhue**2 + rotation * dc * dhue)


def test_the_formula_is_the_published_one() -> None:
    """Pairs 1, 7, 17 and 25 of the paper's table."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ]
    for one, other, expected in pairs:
        assert ciede2000(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHT)
def test_colors_are_told_apart(sight: str) -> None:
    lab = to_lab(palette(255).astype(float), SIGHT[sight])
    distance = ciede2000(lab[:, None], lab[None])

    def least(first: int) -> float:
        return distance[:first, :first][~np.eye(first, dtype=bool)].min()

    assert least(8) >= 19 and least(16) >= 10 and least(255) >= 2
    neighbors = np.diagonal(distance, 1)
    assert neighbors[:15].min() >= 19 and neighbors[:63].min() >= 12 and neighbors.min() >= 5


def test_255_colors_that_nobody_changes() -> None:
    colors = palette(255)
    assert colors.shape == (255, 3) and colors.dtype == np.uint8
    assert len({tuple(color) for color in colors.tolist()}) == 255
    np.testing.assert_array_equal(palette(20), colors[:20])
    with pytest.raises(ValueError, match="read-only"):
        colors[0] = 0
