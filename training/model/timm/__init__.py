"""Image towers that open_clip takes from timm (EVA, SigLIP, PE-Core), read as its own are.

timm names a ViT's parts otherwise, and its towers have what open_clip's have not: rotary position
embeddings, norms inside attention and MLP, a pooling head instead of a class token.
"""

from training.model.timm.tower import TimmTower, is_timm, read_visual

__all__ = ["TimmTower", "is_timm", "read_visual"]
