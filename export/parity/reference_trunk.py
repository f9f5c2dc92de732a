"""The plain eager reference of a pair of towers: a normalised image in, pixel embeddings out.

Written on its own, as export.parity.reference_encoder is for CLIP: timm's model runs as timm wrote
it, its stages are listened to on the way, and the decoder is spelt out with tensor functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.parity.reference_encoder import (
    as_depth,
    channel_norm,
    conv_block,
    convolve,
    enlarge_patches,
    pointwise,
    shrink_image,
    spread_depth,
    unit_length,
)


@dataclass(frozen=True)
class TrunkReference:
    """What a pair's image side is made of.

    Attributes:
        net: timm's model.
        stages: names of the modules whose outputs are read: at 4 pixels, at 8, the last two.
        mean, std: what the net was trained with, of RGB values in 0..1.
        clip_mean, clip_std: what images come normalised with.
        projection_cr: the space of the net's classes; None: they are not asked for.
        class_weight: their share of a cosine.
    """

    net: nn.Module
    stages: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    clip_mean: tuple[float, ...]
    clip_std: tuple[float, ...]
    projection_cr: Tensor | None
    class_weight: float

    def read(self, image_3hw: Tensor) -> dict[str, Tensor]:
        """Maps of one image: ``quarter``, ``half``, ``late`` (c, hp, wp), and ``classes``
        (r, hp, wp) where they are asked for.
        """
        channels = [
            (image_3hw[i] * self.clip_std[i] + self.clip_mean[i] - self.mean[i]) / self.std[i]
            for i in range(3)
        ]
        heard: dict[str, Tensor] = {}
        modules = dict(self.net.named_modules())

        def listen(stage: str) -> torch.utils.hooks.RemovableHandle:
            def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
                heard[stage] = output[0]

            return modules[stage].register_forward_hook(keep)

        handles = [listen(stage) for stage in self.stages]
        try:
            last = self.net.forward_features(torch.stack(channels)[None])[0]
        finally:
            for handle in handles:
                handle.remove()
        quarter, half, *late = (heard[stage] for stage in self.stages)
        maps = {"quarter": quarter, "half": half, "late": torch.cat(late)}
        if self.projection_cr is not None:
            classifier = self.net.get_classifier()
            logits = torch.einsum("kc,cyx->kyx", classifier.weight, last)
            shares = (logits + classifier.bias[:, None, None]).softmax(dim=0)
            maps["classes"] = unit_length(
                torch.einsum("kr,kyx->ryx", self.projection_cr, shares), dim=0
            )
        return maps

    def decode(
        self, weights: Mapping[str, Tensor], maps: dict[str, Tensor], image: Tensor
    ) -> Tensor:
        """Pixel embeddings (D, 4 hp, 4 wp), not normalised."""
        weights = dict(weights)
        stream = pointwise(weights, "read_late", channel_norm(weights, "late_norm", maps["late"]))
        depth = 0
        while f"coarse.{depth}.depthwise.weight" in weights:
            stream = conv_block(weights, f"coarse.{depth}", stream)
            depth += 1
        if "stage1.gate" not in weights:
            patches = pointwise(weights, "align", stream)
            return _enlarge(self._join(unit_length(patches, dim=0), maps.get("classes")))
        rows, columns = maps["late"].shape[1:]
        halves = shrink_image(image, (rows * 8, columns * 8))
        quarters = shrink_image(halves, (rows * 4, columns * 4))
        x = pointwise(weights, "align", stream)
        for block, view, stage in (("stage1", quarters, "half"), ("stage2", halves, "quarter")):
            edges = channel_norm(weights, f"{stage}_norm", maps[stage])
            stream = spread_depth(pointwise(weights, f"{block}.spread", stream))
            seen = torch.cat([as_depth(view), edges])
            stream = stream + convolve(weights, f"{block}.look", seen, padding=1)
            stream = conv_block(weights, f"{block}.mix", stream)
            residual = pointwise(weights, f"{block}.speak", stream)
            x = enlarge_patches(x, 2) + weights[f"{block}.gate"] * residual
        classes = maps.get("classes")
        return self._join(x, None if classes is None else _enlarge(classes))

    def _join(self, x: Tensor, classes: Tensor | None) -> Tensor:
        """The learned part and the classes', each of its share; as it is without classes."""
        if classes is None:
            return x
        share = self.class_weight
        parts = (
            unit_length(x, dim=0) * (1 - share) ** 0.5,
            unit_length(classes, dim=0) * share**0.5,
        )
        return torch.cat(parts)


def _enlarge(maps_chw: Tensor) -> Tensor:
    """From the patch grid to the decoder's."""
    return F.interpolate(maps_chw[None], scale_factor=4.0, mode="bilinear", align_corners=False)[0]
