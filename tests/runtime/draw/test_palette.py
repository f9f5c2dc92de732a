"""Colors of labels."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.draw.palette import palette


def test_palette_tells_254_classes_apart() -> None:
    colors = palette(255)
    assert colors.shape == (255, 3) and colors.dtype == np.uint8
    assert len({tuple(color) for color in colors.tolist()}) == 255
    np.testing.assert_array_equal(palette(20), colors[:20])
    first = colors[:16].astype(int)
    distance = np.abs(first[:, None] - first[None]).sum(axis=2) + 999 * np.eye(16, dtype=int)
    assert distance.min() > 60
    with pytest.raises(ValueError, match="read-only"):
        colors[0] = 0
