"""A local file of CLIP's weights: read without running it, and what it says of itself."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from training.model.activation import Activation
from training.model.torchscript import is_torchscript, read_activation, read_state

# Numbers that only OpenAI's own archives, and state dicts taken out of them, keep among weights.
OPENAI_MEMBERS = frozenset({"input_resolution", "context_length", "vocab_size"})
# What reading a file that is no file of weights, or a damaged one, ends with.
READ_ERRORS = (
    OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError,
    pickle.UnpicklingError, zipfile.BadZipFile, SafetensorError,
)  # fmt: skip

__all__ = ["READ_ERRORS", "Weights", "put_weights", "read_weights"]


@dataclass(frozen=True)
class Weights:
    """What a file holds.

    Attributes:
        state: weights by open_clip's names, in the precision that they are stored in.
        activation: what they were trained with, None where the content does not tell.
    """

    state: dict[str, Tensor]
    activation: Activation | None


def read_weights(path: Path) -> Weights:
    """Read a state dict (``torch.save``, safetensors, a training checkpoint of open_clip's), or a
    TorchScript archive as OpenAI publishes them.

    Neither precision nor keys tell the activation: open_clip, too, stores matrices in fp16 under
    OpenAI's names. What tells is the code of an archive, and the three numbers that OpenAI keeps
    among the weights.

    Raises:
        Exception: one of :data:`READ_ERRORS`.
    """
    if is_torchscript(path):
        content, activation = read_state(path), read_activation(path)
    elif path.suffix == ".safetensors":
        content, activation = load_file(path), None
    else:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content, activation = _unwrap(content), None
    if OPENAI_MEMBERS <= content.keys():
        activation = activation or "quickgelu"
    state = {name: value for name, value in content.items() if name not in OPENAI_MEMBERS}
    return Weights(state, activation)


def put_weights(model: CLIP, weights: Weights) -> None:
    """Load weights into a model, all of them; positions are resized as open_clip does.

    Raises:
        RuntimeError: some are missing, left over or of another shape.
    """
    state = dict(weights.state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for name in ("logit_scale", "logit_bias"):
        own = getattr(model, name, None)
        if name in state and own is not None and state[name].numel() == own.numel():
            state[name] = state[name].reshape(own.shape)
    for name in state:
        if name.endswith("positional_embedding"):  # nothing is resized in half precision
            state[name] = state[name].float()
    resize_pos_embed(state, model)
    resize_text_pos_embed(state, model)
    model.load_state_dict(state)


def _unwrap(content: Any) -> dict[str, Tensor]:
    """The state dict in what ``torch.save`` wrote: by itself, or one entry of a checkpoint."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise ValueError("it holds no weights by name")
    if not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError("it holds other things than weights")
    return {str(name).removeprefix("module."): value for name, value in content.items()}
