"""What pixels are normalised with before a CLIP sees them: as its weights were trained.

OpenAI's mean and deviation for most; a half of everything for SigLIP, PE-Core and some of LAION's
(``laion2b_s32b_b82k`` of ViT-L/14); ImageNet's for a few. open_clip keeps it beside each tag.
"""

from __future__ import annotations

from typing import NamedTuple

from open_clip import get_pretrained_cfg, list_pretrained_tags_by_model

from training.model.clip import IMAGE_MEAN, IMAGE_STD

__all__ = ["OPENAI_PIXELS", "PixelNorm", "pixel_norm_of"]


class PixelNorm(NamedTuple):
    """RGB mean and deviation of values in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


OPENAI_PIXELS = PixelNorm(IMAGE_MEAN, IMAGE_STD)


def pixel_norm_of(name: str, pretrained: str | None) -> tuple[PixelNorm, bool]:
    """What a model's weights were trained with.

    Args:
        name: open_clip's name of the model.
        pretrained: a tag of it, a file, or None.

    Returns:
        The normalisation, and whether it is known: a file does not tell, and is taken for one of
        the model's tags where these agree, else for OpenAI's.
    """
    if pretrained is not None and get_pretrained_cfg(name, pretrained):
        return _of_tag(name, pretrained), True
    found = {_of_tag(name, tag) for tag in list_pretrained_tags_by_model(name)}
    if len(found) > 1:
        return OPENAI_PIXELS, False
    return next(iter(found), OPENAI_PIXELS), True


def _of_tag(name: str, tag: str) -> PixelNorm:
    config = get_pretrained_cfg(name, tag)
    mean, std = config.get("mean") or IMAGE_MEAN, config.get("std") or IMAGE_STD
    return PixelNorm((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
