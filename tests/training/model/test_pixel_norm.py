"""Pixels are normalised as a tag's weights were; a file is taken for what its model's tags are."""

from __future__ import annotations

import pytest

pytest.importorskip("open_clip")

from training.model.pixel_norm import OPENAI_PIXELS, pixel_norm_of

HALF = (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("name", "pretrained", "mean", "known"),
    [
        ("ViT-L-14", "openai", OPENAI_PIXELS.mean, True),
        ("ViT-L-14", "laion2b_s32b_b82k", HALF, True),
        ("ViT-L-14", "weights.pt", OPENAI_PIXELS.mean, False),
        ("ViT-B-16-SigLIP2", "webli", HALF, True),
        ("ViT-B-16-SigLIP2", "weights.pt", HALF, True),
        ("EVA02-B-16", "weights.pt", OPENAI_PIXELS.mean, True),
        ("mgca-tiny", None, OPENAI_PIXELS.mean, True),
    ],
)
def test_of_tags_and_files(name: str, pretrained: str | None, mean: tuple, known: bool) -> None:
    norm, found = pixel_norm_of(name, pretrained)
    assert (norm.mean, found) == (mean, known)
    assert norm.std == (HALF if mean == HALF else OPENAI_PIXELS.std)
