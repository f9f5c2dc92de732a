"""A bundle as models of a Triton repository: ``config.pbtxt`` beside ``<version>/model.onnx``.

Text stays an input of the segmenter, as everywhere: a client looks its words up in the bundle's
vocabulary, or asks the text encoder, which becomes a model of its own.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import onnx

from export.progress import say
from export.targets.triton.config import MARK, format_config, read_tensors
from runtime.atomic_write import write_whole
from runtime.bundle import SEGMENTER_FILE, TEXT_ENCODER_FILE, Bundle
from runtime.bundle.folder import sha256_of
from runtime.errors import MgcaError, UserError

_CONFIG, _MODEL = "config.pbtxt", "model.onnx"
_WARM_UP_WORDS = 20

__all__ = ["check_repository", "write_repository"]


def check_repository(root: Path, model_id: str, precisions: Sequence[str]) -> None:
    """Look at a repository before the work that would end in it.

    Args:
        root: the repository; it may be absent.
        model_id: of the bundles to come.
        precisions: theirs.

    Raises:
        UserError: ``root`` is a file, or a model's folder there is somebody else's.
    """
    if root.exists() and not root.is_dir():
        raise UserError(f"--triton {root}: is a file; expected a folder of models")
    for precision in precisions:
        name = _model_name(f"{model_id}-{precision}")
        for folder in (root / name, root / f"{name}-text"):
            _read_ours(folder)


def write_repository(root: Path, bundle: Bundle, *, instances: int = 1) -> list[Path]:
    """Write a bundle's graphs into a repository, each as a new version of its model.

    Other models of the repository are left alone. A graph that the newest version already holds
    gets no further one. Every version is written beside its place and renamed.

    Args:
        root: the repository; created if need be.
        bundle: what to serve.
        instances: how many of the segmenter run on each GPU.

    Returns:
        The models' folders.

    Raises:
        UserError: a folder of that name holds something else, or takes other tensors.
        MgcaError: the repository cannot be written.
    """
    manifest = bundle.manifest
    name = _model_name(f"{manifest.model_id}-{manifest.precision}")
    parameters = {
        "bundle": bundle.id,
        "precision": manifest.precision,
        "logit_scale": str(manifest.logit_scale),
        "text": "L2-normalised embeddings, one row a word, as in the bundle's vocabulary",
    }
    graphs = [(name, SEGMENTER_FILE, instances)]
    if bundle.has(TEXT_ENCODER_FILE):
        graphs.append((f"{name}-text", TEXT_ENCODER_FILE, 1))
    folders = []
    for model, file, count in graphs:
        try:
            folders.append(_write_model(root / model, bundle, file, count, parameters))
        except OSError as error:
            raise MgcaError(
                f"--triton {root}: {model} cannot be written ({error.strerror}); "
                "what was there is as it was"
            ) from error
    say(f"wrote {', '.join(folder.name for folder in folders)} to the Triton repository {root}")
    return folders


def _write_model(
    folder: Path, bundle: Bundle, file: str, instances: int, parameters: dict[str, str]
) -> Path:
    source = bundle.file(file)
    graph = onnx.load(str(source), load_external_data=False).graph
    inputs, outputs = read_tensors(graph.input), read_tensors(graph.output)
    config = format_config(
        folder.name,
        inputs,
        outputs,
        instances=instances,
        warm_up={
            tensor.name: [_WARM_UP_WORDS if side < 0 else side for side in tensor.dims]
            for tensor in inputs
        },
        parameters=parameters,
    )
    versions = _check_ours(folder, config)
    if versions and _same_file(folder / str(versions[-1]) / _MODEL, source):
        write_whole(folder / _CONFIG, config.encode())
        return folder
    fresh = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{secrets.token_hex(4)}.partial"
    try:
        beside.mkdir()
        shutil.copyfile(source, beside / _MODEL)
        # Triton polls: the configuration must stand when the version appears.
        write_whole(folder / _CONFIG, config.encode())
        beside.rename(folder / str(max(versions, default=0) + 1))
    except BaseException:
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _check_ours(folder: Path, config: str) -> list[int]:
    """The versions that a model's folder holds; :class:`UserError` if it is somebody else's."""
    found = _read_ours(folder)
    if found is None:
        return []
    if _tensors_of(found) != _tensors_of(config):
        raise UserError(
            f"--triton: {folder} serves a model with other inputs or outputs, and its clients "
            "would break; give another folder, or remove it first"
        )
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


def _read_ours(folder: Path) -> str | None:
    """The configuration of a model that an export wrote; None: the place is free."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise UserError(f"--triton: {folder} is a file; expected a folder of models")
    if not any(folder.iterdir()):
        return None
    try:
        found = (folder / _CONFIG).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found.startswith(MARK):
        raise UserError(f"--triton: {folder} was not written by an export; give another folder")
    return found


def _tensors_of(config: str) -> str:
    """The part of a configuration that clients depend on."""
    return config.partition("\ninput [")[2].partition("\ninstance_group")[0]


def _same_file(first: Path, second: Path) -> bool:
    try:
        return sha256_of(first) == sha256_of(second)
    except OSError:
        return False


def _model_name(text: str) -> str:
    """A name that is a folder's too, and needs no quoting in a client's address."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.") or "mgca"
