"""The frozen image encoder of a model, for what is stored of its answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import torch
from torch import Tensor, nn

from training.data.batches import normalize_images
from training.data.features import FrozenEncoder
from training.engine.precision import autocast_on, precision_on
from training.model.mgca import MgcaModel

# Settings of a model that its encoder does not know.
OF_OTHERS = frozenset(
    (
        "decoder_width", "decoder_depth", "coarse_width", "embedding_width", "class_weight",
        "class_nearness", "edge_stages", "center_text", "prompts", "presence",
    )
)  # fmt: skip


def freeze_encoder(model: MgcaModel, device: torch.device, precision: str) -> FrozenEncoder:
    """A model's image encoder as it stands.

    Args:
        model: on ``device``.
        device: that computes.
        precision: as a run has it; answers are stored in half precision either way.
    """
    autocast = autocast_on(device, precision)

    def encode(images_bhw3: Tensor) -> Any:
        with torch.no_grad(), autocast:
            return model.encoder(normalize_images(images_bhw3.to(device)))

    settings = dataclasses.asdict(model.config)
    parts = {
        "weights": hash_weights(model.encoder),
        "settings": {name: value for name, value in settings.items() if name not in OF_OTHERS},
        "precision": precision_on(device, precision),
    }
    return FrozenEncoder(encode, json.dumps(parts, sort_keys=True))


def hash_weights(module: nn.Module) -> str:
    """A digest of all weights and buffers of a module, on any device."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        described = f"{name} {tuple(tensor.shape)} {tensor.dtype}"
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(described.encode() + content.numpy().tobytes())
    return digest.hexdigest()
