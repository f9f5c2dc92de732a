"""A CLIP in OpenAI's layout that is built in no time, registered with open_clip under two names."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

NAME, QUICK_NAME = "test-vit", "test-vit-quickgelu"
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 64, "head_width": 32, "layers": 2},
    "text_cfg": {"context_length": 16, "vocab_size": 64, "width": 32, "heads": 2, "layers": 2},
}


def register(folder: Path) -> None:
    """Make both names known: the second one's configuration says QuickGELU."""
    from open_clip import add_model_config

    for name, config in ((NAME, CONFIG), (QUICK_NAME, {**CONFIG, "quick_gelu": True})):
        (folder / f"{name}.json").write_text(json.dumps(config))
    add_model_config(folder)


def build(*, quick: bool, seed: int = 0):
    """The model, of random weights."""
    import open_clip
    import torch

    torch.manual_seed(seed)
    return open_clip.create_model(NAME, quick_gelu=quick).eval()


def save_archive(path: Path, model, *, members: bool = True) -> dict:
    """Write a model as OpenAI published theirs: TorchScript, matrices in half precision, three
    numbers among the weights.

    Returns:
        The weights by name, as they are stored.
    """
    import torch

    if members:
        del model.context_length, model.vocab_size
        for name, value in (("input_resolution", 32), ("context_length", 16), ("vocab_size", 64)):
            model.register_buffer(name, torch.tensor(value))
    example = (torch.zeros(1, 3, 32, 32), torch.zeros(1, 16, dtype=torch.int64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated since torch 2.14
        traced = torch.jit.trace(model, example, check_trace=False)
        for parameter in traced.parameters():
            if parameter.ndim > 1:
                parameter.data = parameter.data.half()
        traced.save(str(path))
    state = traced.state_dict()
    return {name: state[name] for name in state if name not in ("attn_mask",)}
