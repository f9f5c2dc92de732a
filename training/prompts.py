"""Prompt templates: a class name is the mean of the embeddings of these sentences about it."""

from __future__ import annotations

# The world's own captions speak like this; words met in other sentences would sit elsewhere in the
# space.
STREETWORLD = (
    "a photo of a {}",
    "a picture of a {}",
    "an image of the {}",
    "there is a {}",
    "a {}",
)

# Radford et al. 2021: the seven templates that did best on ImageNet.
OPENAI = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)

TEMPLATE_SETS = {"streetworld": STREETWORLD, "openai": OPENAI}


def templates_for(clip_name: str) -> tuple[str, tuple[str, ...]]:
    """Name and sentences of the template set that suits a CLIP."""
    name = "streetworld" if clip_name == "mgca-tiny" else "openai"
    return name, TEMPLATE_SETS[name]
