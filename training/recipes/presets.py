"""Named configurations. Each states its command, hardware, time and expected score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from runtime.errors import UserError
from training.config.schema import (
    EvalConfig,
    LossConfig,
    PhaseConfig,
    PretrainConfig,
    TrainConfig,
)
from training.config.values import read_config_file
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings


def demo() -> TrainConfig:
    """The shipped model, from nothing: ``python -m training.run``."""
    return TrainConfig(
        name="demo",
        model=ModelConfig(center_text=False),
        # Small batches of many captions: what so short a run lacks is steps.
        pretrain=PretrainConfig(
            steps=9500,
            batch=32,
            captions=4,
            learning_rate=1e-3,
            warmup=200,
            unmasked_share=0.15,
        ),
        # Short and slow: this tower's patches are aligned already, and what a decoder learns from
        # its own settled choice costs more than it gives (docs/method.md; "plain" is where it
        # gives).
        mgca=PhaseConfig(steps=60, batch=32, captions=2, learning_rate=1e-4, warmup=10),
        losses=LossConfig(
            texts="nouns",
            object_weight=0.05,
            region_weight=0.05,
            pixel_weight=0.05,
            tilings=((1, 1), (1, 1)),
            noun_balance=0.3,
            noun_smallest=0.02,
            noun_omission=0.15,
            color_sharpness=100.0,
        ),
        # Color first: figures in docs/method.md, "What is thin".
        units=UnitSettings(
            seeds=150,
            second_seeds=5.0,
            rounds=3,
            space_width=32,
            embedding_weight=0.65,
            color_weight=8.0,
            place_weight=3.25,
            sharpness=9.0,
            merge_cosine=0.985,
            merge_rounds=4,
        ),
        # A little larger than the last lessons' images: what is far away gains.
        export_size_wh=(224, 168),
    )


def plain() -> TrainConfig:
    """A tiny CLIP trained as CLIP is (whole images and captions, mean patch) and MGCA on it, to
    measure MGCA where its place is: ``python -m training.run --config plain``.

    Two cores: some 50 minutes of pre-training (with other work beside it), to dense features of
    17.6 mIoU on 96 held-out scenes. That is of 4500 steps in two legs,
    ``--set pretrain.steps=1800`` (13.5) and ``--resume runs/plain/last.pt``, between which the rate
    had fallen to nothing; in one go it has not been run. The ablation trains its own decoders on
    that CLIP.
    """
    base = demo()
    return dataclasses.replace(
        base,
        name="plain",
        pretrain=dataclasses.replace(
            base.pretrain,
            steps=4500,
            batch=64,
            pooling="mean",
            noun_weight=0.0,
            caption_weight=1.0,
            tilings=((1, 1), (1, 1)),
        ),
        mgca=dataclasses.replace(base.mgca, steps=200, learning_rate=5e-3, warmup=20),
        losses=dataclasses.replace(
            base.losses, object_weight=1.0, region_weight=2.0, pixel_weight=1.0, noun_balance=0.4
        ),
        # As the ablation's tables have them.
        units=dataclasses.replace(
            base.units, seeds=300, second_seeds=0.0, color_weight=4.5, place_weight=2.5
        ),
    )


def smoke() -> TrainConfig:
    """Every stage once, within two minutes on two cores: ``python -m training.run --config
    smoke``.
    """
    return TrainConfig(
        name="smoke",
        model=ModelConfig(center_text=False),
        pretrain=PretrainConfig(steps=60, batch=64, learning_rate=1e-3, warmup=10),
        mgca=PhaseConfig(steps=30, batch=16, captions=2, learning_rate=1e-3, warmup=5),
        units=UnitSettings(space_width=32),
        evaluation=EvalConfig(every=30, scenes=16),
        checkpoint_every=30,
    )


PRESETS: dict[str, Callable[[], TrainConfig]] = {"demo": demo, "plain": plain, "smoke": smoke}


def find_config(name_or_file: str) -> TrainConfig:
    """A preset by name, else a JSON file.

    Raises:
        UserError: neither.
    """
    if name_or_file in PRESETS:
        return PRESETS[name_or_file]()
    if Path(name_or_file).suffix != ".json" and not Path(name_or_file).exists():
        raise UserError(
            f"config '{name_or_file}' is neither a preset ({', '.join(PRESETS)}) nor a JSON file; "
            "expected one of those names or a path"
        )
    return read_config_file(Path(name_or_file))
