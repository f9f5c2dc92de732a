"""What keeps a CLIP's dense tokens from meeting its text: found before a weight is made.

A model is sketched on PyTorch's meta device, where it has shapes and no bytes.
"""

from __future__ import annotations

import json
import logging
from functools import lru_cache

import torch
from open_clip import create_model, get_model_config
from open_clip.transformer import ResidualAttentionBlock
from torch import nn

from runtime.errors import UserError
from training.model.timm.tower import find_obstacle, is_timm

_EXAMPLES = "ViT-B-16, ViT-L-14-336, EVA02-B-16 or ViT-B-16-SigLIP"

__all__ = ["check_name", "has_timm_tower", "refuse_obstacles", "sketch_clip"]


def check_name(name: str) -> None:
    """See that open_clip knows a model of this name; raises ``UserError``."""
    if get_model_config(name) is None:
        raise UserError(
            f"CLIP model '{name}' is not known to open_clip; expected a name such as ViT-B-16, "
            "ViT-L-14 or mgca-tiny; see open_clip.list_models()"
        )


def has_timm_tower(name: str) -> bool:
    """Whether open_clip takes this model's image tower from timm."""
    return bool((get_model_config(name) or {}).get("vision_cfg", {}).get("timm_model_name"))


def sketch_clip(name: str) -> nn.Module:
    """A model without weights, for its classes and shapes; its name is known to open_clip."""
    return _sketch(name, json.dumps(get_model_config(name), sort_keys=True))


@lru_cache(maxsize=4)
def _sketch(name: str, config: str) -> nn.Module:
    """``config`` only tells models apart: a name may be registered anew."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # that its weights are random is the point
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return create_model(name, pretrained=None, device="meta").eval()
    finally:
        root.setLevel(level)


def refuse_obstacles(name: str, *, any_tower: bool) -> None:
    """Refuse a model whose patches cannot be read in its text's space.

    Args:
        name: open_clip's name of it, which is known.
        any_tower: timm's towers, and text towers of their own class, are taken.

    Raises:
        UserError: naming the reason.
    """
    reason = _of_config(name) or _of_model(sketch_clip(name), any_tower=any_tower)
    if reason is not None:
        raise UserError(
            f"CLIP model '{name}' cannot be used: {reason}; expected a plain ViT whose patches "
            f"meet its text, such as {_EXAMPLES if any_tower else 'ViT-B-16 or mgca-tiny'}"
        )


def _of_config(name: str) -> str | None:
    """What the configuration says, without building anything."""
    config = get_model_config(name) or {}
    text = config.get("text_cfg", {})
    if text.get("hf_model_name"):
        return f"its text tower is Hugging Face's {text['hf_model_name']}"
    if "multimodal_cfg" in config or config.get("vision_cfg", {}).get("attentional_pool"):
        return "its image tower pools by attention with many queries (CoCa), its text tower behind"
    return None


def _of_model(model: nn.Module, *, any_tower: bool) -> str | None:
    visual = model.visual
    if is_timm(visual):
        if not any_tower:
            return "its image tower is timm's, which training does not read"
        return find_obstacle(visual)  # type: ignore[arg-type]
    if not hasattr(visual, "class_embedding"):
        return f"its image tower is a {type(visual).__name__}, no plain ViT"
    if not any_tower and hasattr(model, "text"):
        return "its text tower is a class of its own, which training does not read"
    blocks = visual.transformer.resblocks  # type: ignore[union-attr]
    if not all(type(block) is ResidualAttentionBlock for block in blocks):  # type: ignore[union-attr]
        return "its image tower's blocks are not those of CLIP"
    return None
