"""CLIP's dense features: one embedding a patch, in the space where the text embeddings live.

A CLIP is trained on one embedding an image; what its patches say has to be freed from the last
block's pooling attention. How, has a name and a file each (:mod:`training.model.dense.methods`).
"""

from training.model.dense.blocks import (
    average_counts,
    average_patches,
    embed_patches,
    merge_heads,
    split_heads,
)
from training.model.dense.encoder import DenseEncoder
from training.model.dense.features import DenseFeatures
from training.model.dense.methods import DENSE_MODES
from training.model.dense.positions import (
    POSITION_RESIZES,
    position_embedding,
    resize_position_embedding,
)

__all__ = [
    "DENSE_MODES",
    "POSITION_RESIZES",
    "DenseEncoder",
    "DenseFeatures",
    "average_counts",
    "average_patches",
    "embed_patches",
    "merge_heads",
    "position_embedding",
    "resize_position_embedding",
    "split_heads",
]
