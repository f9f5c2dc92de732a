"""A pair of towers in files, as a user would name one: a trunk and a sentence encoder, random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.sentence_folder import write_sentence_folder

TRUNK = "tf_efficientnet_lite0"


def write_trunk(path: Path, name: str = TRUNK) -> Path:
    """A state dict of timm's with random weights and statistics that are not 0 and 1."""
    import timm
    import torch

    torch.manual_seed(3)
    net = timm.create_model(name, pretrained=False)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(net.state_dict(), path)
    return path


def write_pair(folder: Path, **vision: Any) -> Path:
    """The JSON file of a pair, its towers beside it; ``vision`` replaces parts of its trunk's."""
    folder.mkdir(parents=True, exist_ok=True)
    trunk = {
        "timm_model_name": TRUNK,
        "timm_weights": str(write_trunk(folder / "trunk.pth")),
        "image_size": 64,
    } | vision
    sentence = write_sentence_folder(folder / "sentence")
    path = folder / "pair.json"
    content = {"embed_dim": 16, "vision_cfg": trunk, "text_cfg": {"hf_model_name": str(sentence)}}
    path.write_text(json.dumps(content))
    return path
