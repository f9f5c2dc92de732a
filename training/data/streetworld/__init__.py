"""StreetWorld: scenes drawn in code, with captions, and with exact masks for evaluation only.

Needs numpy and cv2, nothing else. Training calls ``generate_pair``, which never draws a mask.
"""

from __future__ import annotations

from training.data.streetworld.captions import vocabulary_words
from training.data.streetworld.exposure import EXPOSURES
from training.data.streetworld.moving import moving_scene
from training.data.streetworld.palette import (
    CLASS_NAMES,
    COLORED,
    COLORS,
    HELD_OUT_COMPOSITIONS,
    IGNORE_LABEL,
)
from training.data.streetworld.rng import NAMESPACES
from training.data.streetworld.scene import TILES_HW, Scene, generate_pair, generate_scene
from training.data.streetworld.variants import VARIANTS

__all__ = [
    "CLASS_NAMES",
    "COLORED",
    "COLORS",
    "EXPOSURES",
    "HELD_OUT_COMPOSITIONS",
    "IGNORE_LABEL",
    "NAMESPACES",
    "TILES_HW",
    "VARIANTS",
    "Scene",
    "generate_pair",
    "generate_scene",
    "moving_scene",
    "vocabulary_words",
]
