"""The checkpoint file: one dictionary of tensors and plain values, read with ``weights_only=True``.

Keys: ``format``, ``format_version``, ``config`` (the resolved TrainConfig as JSON types, its first
leg the one at hand), ``phase`` (``pretrain`` or ``mgca``), ``leg`` (its name), ``step`` (within the
leg), ``steps_before`` (of its phase, in earlier legs), ``quick_gelu`` (the towers' activation),
``clip``, ``decoder``, ``mask``, ``text_center``, ``unit_space`` (``center_d`` and
``projection_dr``, or None), ``metrics``; of a pair of towers (training.model.towers) also ``pair``
(``text_head``, ``classes``, and the sha256 of either tower's file of weights, which the checkpoint
does not hold: ``clip`` is empty); and while training ``optimizer``, ``generator`` and
``ema`` (the moving average of ``clip``, or None; ``average`` in older files).
Weights may be stored in half precision (the shipped demo is); they load as float32. Files of before
there were legs have neither ``leg`` nor ``steps_before``.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from runtime.atomic_write import replacing
from runtime.errors import UserError
from training.config.run import BOTH_PHASES, TrainConfig
from training.config.values import from_dict, to_dict
from training.model.clip import load_clip, uses_quick_gelu
from training.model.mgca import MgcaModel, ModelConfig
from training.model.misfit import describe_misfit
from training.model.towers.pair import TowerPair, load_pair
from training.model.unit_space import UnitSpace
from training.model.weights_file import refuse_foreign

FORMAT = "mgca-checkpoint"
FORMAT_VERSION = 1


@dataclass
class Checkpoint:
    """What a checkpoint file holds, weights already in a model.

    Attributes:
        config: the run's configuration.
        model: on the CPU, float32, eval mode.
        phase: ``pretrain`` or ``mgca``.
        step: steps done in the leg at hand, the first of ``config.legs``.
        steps_before: steps of the same phase in earlier legs.
        metrics: the last evaluation's figures (may be empty).
        mask: state of the foreground mask (a, b), or None.
        unit_space: where pixels gather into units, or None.
        optimizer: optimiser state, or None.
        generator: state of the sampling generator, or None.
        ema: state of the CLIP's moving average where it is kept beside the model, or None.
    """

    config: TrainConfig
    model: MgcaModel
    phase: str
    step: int
    metrics: dict[str, Any] = field(default_factory=dict)
    mask: dict[str, Tensor] | None = None
    unit_space: UnitSpace | None = None
    optimizer: dict[str, Any] | None = None
    generator: Tensor | None = None
    ema: dict[str, Tensor] | None = None
    steps_before: int = 0


def save_checkpoint(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint whole: a kill never leaves half a file, nor a power cut an empty one.

    Args:
        path: where; the folder must exist.
        checkpoint: what.
        half: store weights as float16 and leave out what only resuming needs (for shipping).

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    model = checkpoint.model
    content: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": to_dict(checkpoint.config),
        "phase": checkpoint.phase,
        "leg": checkpoint.config.legs[0].name,
        "steps_before": checkpoint.steps_before,
        "step": checkpoint.step,
        "metrics": checkpoint.metrics,
        "quick_gelu": uses_quick_gelu(model.clip),
        "clip": _stored(_own_state(model), half),
        "decoder": _stored(model.decoder.state_dict(), half),
        "text_center": model.text_center.detach().cpu(),
        "mask": checkpoint.mask,
        "unit_space": None,
    }
    if model.text_head is not None:
        content["pair"] = _pair_state(model, half)
    if checkpoint.unit_space is not None:
        # Float32 even for shipping: a few thousand numbers, on which unit borders hang.
        content["unit_space"] = _stored(checkpoint.unit_space.state_dict(), half=False)
    if not half:
        content["optimizer"] = checkpoint.optimizer
        content["generator"] = checkpoint.generator
        content["ema"] = checkpoint.ema
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
    except RuntimeError as error:
        raise _system_error(error) from error


def write_checkpoint(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """:func:`save_checkpoint` to a place that a person named; makes its folder.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, checkpoint, half=half)
    except OSError as error:
        raise UserError(
            f"'{path}' cannot be written ({error.strerror}); choose another --out"
        ) from error


def write_new_start(path: Path, config: TrainConfig, model: MgcaModel) -> str:
    """Weights that no optimiser state fits, as a checkpoint at the beginning of pre-training, both
    phases before it.

    Returns:
        A line that says how to go on from it.

    Raises:
        UserError: it cannot be written.
    """
    config = dataclasses.replace(config, legs=BOTH_PHASES)
    write_checkpoint(path, Checkpoint(config=config, model=model, phase="pretrain", step=0))
    return (
        f"go on with python -m training.run --resume {path} --set pretrain.steps=N "
        "(0: MGCA at once) --set data.first_seed=M (a scene not seen yet)"
    )


def load_checkpoint(path: Path | str, *, to_resume: bool = False) -> Checkpoint:
    """Read and check a checkpoint.

    Args:
        path: where it lies.
        to_resume: give the weights that training goes on with; else, where a moving average of
            them was kept (a run stopped in pre-training), the model is that average.

    Raises:
        UserError: not there, not one of ours, of a newer format, or weights that do not fit its own
            configuration.
    """
    content = _read(Path(path))
    config = from_dict(content["config"])
    quick = content.get("quick_gelu")  # files of before it was recorded have none
    activation = None if quick is None else "quickgelu" if quick else "gelu"
    pair = content.get("pair")
    if pair is None:
        clip = load_clip(config.model.clip_name, activation=activation)
    else:
        clip = _load_pair(path, config.model, pair)
    model = MgcaModel(clip, config.model)
    try:
        if model.text_head is None:
            clip.load_state_dict(_float(content["clip"]))
        else:
            model.text_head.map.load_state_dict(_float(content["pair"]["text_head"]))
        model.decoder.load_state_dict(_float(content["decoder"]))
        model.text_center.copy_(content["text_center"].float())
        ema = content.get("ema", content.get("average"))
        if ema is not None and not to_resume:
            clip.load_state_dict(ema)
            ema = None
    except (RuntimeError, KeyError, AttributeError) as error:
        raise UserError(
            f"checkpoint '{path}' does not fit its own configuration: {describe_misfit(error)}; "
            f"expected weights of {config.model.clip_name} with decoder width "
            f"{config.model.decoder_width}; train again or take another file"
        ) from error
    model.eval()
    return Checkpoint(
        config=config,
        model=model,
        phase=content["phase"],
        step=content["step"],
        metrics=content.get("metrics") or {},
        mask=content.get("mask"),
        unit_space=_unit_space(content.get("unit_space")),
        optimizer=content.get("optimizer"),
        generator=content.get("generator"),
        ema=ema,
        steps_before=content.get("steps_before", 0),
    )


def _system_error(error: BaseException) -> OSError:
    """What the system said: torch's writer says of a full disk that its position is unexpected."""
    before: BaseException | None = error
    while before is not None:
        if isinstance(before, OSError):
            return before
        before = before.__cause__ or before.__context__
    return OSError(errno.EIO, " ".join(str(error).split()))


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UserError(
            f"checkpoint '{path}' does not exist; expected a .pt file written by python -m "
            "training.run"
        )
    refuse_foreign(
        path,
        f"checkpoint '{path}' cannot be read: it",
        "a .pt file written by python -m training.run",
    )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a foreign or broken file, torch raises whatever it stumbles on
        raise UserError(
            f"checkpoint '{path}' cannot be read ({type(error).__name__}); expected a .pt file "
            "written by "
            "python -m training.run; it may be damaged or of another program"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(
            f"checkpoint '{path}' is of another format; expected one written by python -m "
            "training.run"
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise UserError(
            f"checkpoint '{path}' has format version {content.get('format_version')}; this program "
            "reads version "
            f"{FORMAT_VERSION}; use the program that wrote it"
        )
    missing = [
        key
        for key in ("config", "phase", "step", "clip", "decoder", "text_center")
        if key not in content
    ]
    if missing:
        raise UserError(
            f"checkpoint '{path}' lacks {', '.join(missing)}; it is damaged; train again or take "
            "another file"
        )
    return content


def _own_state(model: MgcaModel) -> dict[str, Tensor]:
    """The towers' weights that a checkpoint holds: none of a pair, whose files everybody has."""
    return {} if model.text_head is not None else model.clip.state_dict()


def _pair_state(model: MgcaModel, half: bool) -> dict[str, Any]:
    assert model.text_head is not None, "it is a pair"
    pair: Any = model.clip
    return {
        "text_head": _stored(model.text_head.map.state_dict(), half),
        "classes": None if pair.classes is None else _stored(pair.classes.state_dict(), half),
        "trunk_sha256": pair.visual.weights_sha256,
        "text_sha256": pair.text.weights_sha256,
    }


def _load_pair(path: Path | str, config: ModelConfig, stored: dict[str, Any]) -> TowerPair:
    """A pair of towers, its weights those that the checkpoint was trained on."""
    state = None if stored["classes"] is None else _float(stored["classes"])
    pair = load_pair(config.clip_name, config.class_width, state)
    for tower, found, wanted in (
        ("trunk", pair.visual.weights_sha256, stored["trunk_sha256"]),
        ("text tower", pair.text.weights_sha256, stored["text_sha256"]),
    ):
        if found != wanted:
            raise UserError(
                f"checkpoint '{path}' was trained on other weights of the {tower} than "
                f"{config.clip_name}'s files hold (sha256 {str(wanted)[:12]}, found "
                f"{str(found)[:12]}); install the version that it was trained on"
            )
    return pair


def _unit_space(state: dict[str, Tensor] | None) -> UnitSpace | None:
    # Checkpoints of before there were such spaces have none.
    return None if state is None else UnitSpace(state["center_d"], state["projection_dr"])


def _stored(state: dict[str, Tensor], half: bool) -> dict[str, Tensor]:
    return {
        name: (
            value.detach().cpu().half()
            if half and value.is_floating_point()
            else value.detach().cpu()
        )
        for name, value in state.items()
    }


def _float(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }
