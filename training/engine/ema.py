"""The exponential moving average (EMA) of the weights that a leg trains.

At a rate that still learns, weights wander around what they have learned; their average does not
(Polyak and Juditsky 1992; Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima"). A tower
that is taught by its own choice wanders further, because it teaches itself what it took wrongly
last: taught by its average, it cannot follow one step's mistake (Tarvainen and Valpola 2017, "Mean
teachers are better role models").
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator

import torch
from open_clip import CLIP
from torch import Tensor


class Ema:
    """A tower that follows another: the moving average of its weights.

    Args:
        clip: where it starts; unchanged.
        steps: how far it reaches back: every step it moves by 1 / ``steps`` of the way.

    Attributes:
        clip: the average, frozen, in eval mode.
    """

    def __init__(self, clip: CLIP, steps: int) -> None:
        self.clip = copy.deepcopy(clip).eval().requires_grad_(False)
        self.share = 1.0 / steps

    @torch.no_grad()
    def update(self, clip: CLIP) -> None:
        """Take a step towards ``clip``, batch normalisation's statistics included."""
        now = clip.state_dict()
        for name, value in self.clip.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], self.share)
            else:
                value.copy_(now[name])

    @contextlib.contextmanager
    def lent_to(self, clip: CLIP) -> Iterator[None]:
        """``clip`` has the average's weights within, its own again afterwards."""
        own: dict[str, Tensor] = {k: v.clone() for k, v in clip.state_dict().items()}
        clip.load_state_dict(self.clip.state_dict())
        try:
            yield
        finally:
            clip.load_state_dict(own)
