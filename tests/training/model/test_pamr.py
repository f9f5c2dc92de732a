"""PAMR as a module of the graph against a plain computation."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.support import plain_pamr  # noqa: E402
from training.model.pamr import NACLIP_DILATIONS, TCL_DILATIONS, Pamr, PamrSettings  # noqa: E402


# The grids of 224 x 224 and 448 x 336 at ViT-B/16, four times as fine as its patches.
@pytest.mark.parametrize("grid_hw", [(56, 56), (84, 112)])
@pytest.mark.parametrize("dilations", [TCL_DILATIONS, NACLIP_DILATIONS])
def test_agrees_with_a_plain_computation(
    grid_hw: tuple[int, int], dilations: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(3, *grid_hw)).astype(np.float32)
    colors = rng.random((3, *grid_hw)).astype(np.float32)
    colors[:, :, : grid_hw[1] // 2] = 0.25  # flat: deviations of nothing
    found = Pamr(PamrSettings(dilations=dilations))(
        torch.from_numpy(scores), torch.from_numpy(colors)
    ).numpy()
    assert np.abs(found - plain_pamr.refine(scores, colors, dilations)).max() < 1e-4
    assert np.abs(found - scores).max() > 0.1


def test_noise_inside_an_outline_goes_and_the_outline_stays() -> None:
    colors = torch.zeros(3, 24, 32)
    colors[:, :, 16:] = 1.0
    truth = colors[:1] * 2 - 1
    noisy = truth + torch.randn(1, 24, 32, generator=torch.Generator().manual_seed(0))
    refined = Pamr(PamrSettings(dilations=(1, 2)))(noisy, colors)
    assert ((noisy > 0) != (truth > 0)).float().mean() > 0.1
    assert ((refined > 0) != (truth > 0)).float().mean() < 0.01


def test_no_rounds_change_nothing_and_wrong_settings_are_refused() -> None:
    scores = torch.randn(2, 4, 4)
    assert Pamr(PamrSettings(rounds=0))(scores, torch.rand(3, 4, 4)) is scores
    for wrong in ({"rounds": -1}, {"dilations": ()}, {"dilations": (0, 1)}):
        with pytest.raises(ValueError, match="pamr"):
            PamrSettings(**wrong)
