"""StreetWorld: scenes drawn in code, with captions, and with exact masks for evaluation only.

Needs numpy and cv2, nothing else. Training calls `generate_pair`, which never draws a mask.
"""

from __future__ import annotations

from .captions import vocabulary_words
from .moving import moving_scene
from .palette import CLASS_NAMES, COLOURED, COLOURS, HELD_OUT_COMPOSITIONS, IGNORE_LABEL
from .randomness import NAMESPACES
from .scene import Scene, generate_pair, generate_scene

__all__ = [
    "CLASS_NAMES",
    "COLOURED",
    "COLOURS",
    "HELD_OUT_COMPOSITIONS",
    "IGNORE_LABEL",
    "NAMESPACES",
    "Scene",
    "generate_pair",
    "generate_scene",
    "moving_scene",
    "vocabulary_words",
]
