"""A run leg by leg: each as a configuration of its own.

A configuration holds the legs that are left, the one at hand first. :func:`enter` gives the
configuration in which that one runs, :func:`follow` the one for the leg after it. A checkpoint
holds such a configuration, so it needs to say no more than its step to be gone on from.
"""

from __future__ import annotations

import dataclasses
import math

from runtime.errors import UserError
from training.config.optimiser import PhaseConfig
from training.config.run import PHASES, PretrainConfig, TrainConfig
from training.config.values import apply_changes
from training.model.mgca import with_names_as


def enter(config: TrainConfig) -> TrainConfig:
    """The configuration in which its first leg runs; doing this again changes nothing.

    Raises:
        UserError: the leg changes what is no setting, or to what it cannot be.
    """
    return begin_mosaic(apply_changes(config, config.legs[0].changes))


def follow(config: TrainConfig, processes: int = 1) -> TrainConfig | None:
    """The configuration of the leg after the one at hand; None: that is the last.

    Args:
        config: of the leg at hand, as :func:`enter` or this gave it.
        processes: how many share a step; each takes scenes of its own.

    Raises:
        UserError: as :func:`enter`.
    """
    if len(config.legs) == 1:
        return None
    data = dataclasses.replace(
        config.data, first_seed=config.data.first_seed + scenes_of(config, processes)
    )
    return enter(dataclasses.replace(config, data=data, legs=config.legs[1:]))


def reach(config: TrainConfig, phase: str, processes: int = 1) -> TrainConfig:
    """The configuration of the first leg that trains ``phase``; the last leg's if none does."""
    config = enter(config)
    while config.legs[0].phase != phase:
        later = follow(config, processes)
        if later is None:
            break
        config = later
    return config


def check_legs(config: TrainConfig) -> None:
    """See that every leg can be entered, before the first begins.

    Raises:
        UserError: as :func:`enter`, or a leg wants another model.
    """
    first = enter(config)
    leg: TrainConfig | None = first
    while leg is not None:
        if with_names_as(first.model, leg.model) != leg.model:
            raise UserError(
                f"leg '{leg.legs[0].name}' changes the model; expected only model.prompts and "
                "model.center_text to change from leg to leg"
            )
        leg = follow(leg)


def phase_config(config: TrainConfig) -> PhaseConfig:
    """How long, large and fast the leg at hand is: ``pretrain`` or ``mgca``."""
    return config.pretrain if config.legs[0].phase == PHASES[0] else config.mgca


def trains(config: TrainConfig) -> bool:
    """Whether the leg at hand has steps; weights that are given are not pre-trained."""
    given = config.legs[0].phase == PHASES[0] and config.model.pretrained is not None
    return phase_config(config).steps > 0 and not given


def scenes_of(config: TrainConfig, processes: int = 1) -> int:
    """How many scenes the leg at hand may draw."""
    phase = phase_config(config)
    return math.ceil(phase.steps / config.data.passes) * phase.batch * processes


def begin_mosaic(config: TrainConfig) -> TrainConfig:
    """The first scene moved on to where a mosaic begins, if scenes are tiles of mosaics:
    those begin at multiples of their tiles.
    """
    if config.legs[0].phase != PHASES[0]:
        return config
    phase: PretrainConfig = config.pretrain
    tiles = phase.mosaic[0] * phase.mosaic[1]
    first = math.ceil(config.data.first_seed / tiles) * tiles
    return dataclasses.replace(config, data=dataclasses.replace(config.data, first_seed=first))
