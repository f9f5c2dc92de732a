"""A CLIP of twelve narrow blocks in OpenAI's layout: methods of dense features name such blocks."""

from __future__ import annotations

import json
from pathlib import Path

NAME = "test-deep-vit"
CONFIG = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {
        "image_size": 64, "patch_size": 8, "width": 96, "head_width": 32, "layers": 12
    },
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}  # fmt: skip


def register(folder: Path) -> None:
    """Make the name known to open_clip."""
    from open_clip import add_model_config

    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG))
    add_model_config(folder / f"{NAME}.json")


def build(seed: int = 3):
    """The model, its weights random and large enough that patches differ."""
    import open_clip
    import torch

    torch.manual_seed(seed)
    model = open_clip.CLIP(**CONFIG).eval().requires_grad_(False)
    for weight in model.visual.parameters():
        weight.add_(torch.randn_like(weight) * 0.05)
    return model
