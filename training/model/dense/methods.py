"""The methods of dense features by name; each has a file of its own.

``tokens`` is for towers that pool by averaging their patches, the others for towers that pool by
their class token. What they cost and which to pick: docs/training-free.md.
"""

from __future__ import annotations

from training.model.dense.clearclip import ClearClip
from training.model.dense.maskclip import MaskClip
from training.model.dense.naclip import NaClip
from training.model.dense.sc_clip import ScClip
from training.model.dense.sclip import Sclip
from training.model.dense.sfp import Sfp
from training.model.dense.tokens import Tokens
from training.model.dense.trunk import DenseMethod

METHODS: dict[str, type[DenseMethod]] = {
    "tokens": Tokens,
    "maskclip": MaskClip,
    "clearclip": ClearClip,
    "sclip": Sclip,
    "naclip": NaClip,
    "sc-clip": ScClip,
    "sfp": Sfp,
}
DENSE_MODES = tuple(METHODS)
