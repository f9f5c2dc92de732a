"""Prompt templates: a class name is the mean of the embeddings of these sentences about it."""

from __future__ import annotations

from training.model.clip import is_ours

# The world's own captions speak like this; words met in other sentences would sit elsewhere in the
# space.
STREETWORLD = (
    "a photo of a {}",
    "a picture of a {}",
    "an image of the {}",
    "there is a {}",
    "a {}",
)

# Sentences as the world's captions are written, without an article
# (docs/experiments/008-sentences-around-a-name.md).
CAPTIONS = (
    "a scene with {}",
    "a picture with {}",
    "we see {}",
    "a photo of {}",
    "{}",
)

# The one of them that the shipped model is asked in
# (docs/experiments/010-a-gpu-and-a-deeper-tower.md).
SEEN = ("we see {}",)

# For a sentence encoder: a word by itself, and as captions of photographs have it.
WORDS = ("{}", "a {}", "a photo of a {}")

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

TEMPLATE_SETS = {
    "streetworld": STREETWORLD,
    "captions": CAPTIONS,
    "both": STREETWORLD + CAPTIONS,
    "seen": SEEN,
    "openai": OPENAI,
    "words": WORDS,
}


def templates_for(clip_name: str, chosen: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Name and sentences of the template set that suits a CLIP, or of the one that was chosen."""
    name = chosen or ("streetworld" if is_ours(clip_name) else "openai")
    return name, TEMPLATE_SETS[name]
