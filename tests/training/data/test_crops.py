"""Crops have the scale that is asked for, and squashed pictures come back to their shape."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from training.data.config import DataConfig
from training.data.crops import ASPECTS, Cropping, crop_and_resize, draw_aspect


def ramps(height, width):
    """Red rises across, green down: a crop says by its colors how much it shows."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)[None]
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    return image


def shown(crop):
    """Shares of the picture's width and height that a crop shows."""
    return np.ptp(crop[..., 0].astype(float)) / 255, np.ptp(crop[..., 1].astype(float)) / 255


@pytest.mark.parametrize("scale", [(0.1, 0.2), (0.4, 1.0)])
def test_the_area_is_within_the_scale(scale):
    areas = [
        np.prod(shown(crop_and_resize(ramps(200, 200), (64, 64), np.random.default_rng(n), scale)))
        for n in range(60)
    ]
    assert scale[0] - 0.03 < min(areas) < max(areas) < scale[1] + 0.01
    assert max(areas) - min(areas) > 0.6 * (scale[1] - scale[0])


@pytest.mark.parametrize("aspect", [4 / 3, 2 / 3, 1.0])
@pytest.mark.parametrize("size_wh", [(64, 64), (96, 48)])
def test_a_squashed_picture_is_stretched_to_its_aspect(aspect, size_wh):
    crop = crop_and_resize(ramps(200, 200), size_wh, np.random.default_rng(0), (0.5, 0.6), aspect)
    across, down = shown(crop)
    # In the true picture a share of the width is `aspect` times as long as one of the height.
    assert across * aspect / down == pytest.approx(size_wh[0] / size_wh[1], rel=0.05)


def test_aspects_are_drawn_anew_each_time():
    rng = np.random.default_rng(0)
    drawn = [draw_aspect(rng) for _ in range(400)]
    assert sum(share for _, share in ASPECTS) == pytest.approx(1)
    for aspect, share in ASPECTS:
        assert abs(np.mean(np.isclose(drawn, aspect)) - share) < 0.08


def test_half_of_the_crops_are_mirrored():
    cropping = Cropping((16, 16), (0.9, 1.0))
    crops = [cropping(ramps(50, 50), np.random.default_rng(n)) for n in range(60)]
    assert 15 < sum(crop[8, 0, 0] > crop[8, -1, 0] for crop in crops) < 45


@pytest.mark.parametrize("scale", [(0.0, 1.0), (0.8, 0.4), (0.5, 1.5)])
def test_a_scale_that_is_none(scale):
    with pytest.raises(ValueError, match=r"data.crop_scale is .*; expected"):
        DataConfig(crop_scale=scale)
