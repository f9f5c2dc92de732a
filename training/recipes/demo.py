"""The shipped model's architecture, trained from nothing on the generated world.

Command: ``python -m training.run``; ``make demo-assets`` also narrows its embeddings, as those of
the shipped model are, and makes a bundle of it.
Hardware: two processor cores, 6 GB of memory (5 GB in the last leg).
Time: 99 minutes of processor time on a machine that was busy with other work throughout, so about
50 minutes of two cores; steps were chosen from the processor time that a step of each leg takes.
Score: mIoU on 64 held-out scenes (streetworld-v2) at the size of an export, with adaptive units and
per pixel: 14.3 and 12.6 after the first leg, 16.9 and 16.1, 19.9 and 18.2, at the end 20.5 and 18.8
(commit df6f84a, 2026-11-29, run in two parts). Nothing was chosen by scores.

The weights that are shipped have a longer history, which docs/provenance.md keeps.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import EvalConfig, Leg, PretrainConfig, TrainConfig
from training.data.config import DataConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings

# What is thin is told by its color: figures in docs/experiments/020-thin-things.md; looked at again
# when a pixel came to see the seeds of nine cells only (027-real-time.md).
# 216 seeds at this size are one for every 4.5 patches.
UNITS = UnitSettings(
    seeds=216,
    second_seeds=5.0,
    rounds=3,
    space_width=32,
    embedding_weight=0.65,
    color_weight=8.0,
    place_weight=3.25,
    sharpness=9.0,
    merge_cosine=0.985,
    merge_rounds=4,
)

LEGS = (
    # One or two things a picture: a caption says nearly what a mask would. Nouns are evened out, or
    # the first to be learned (sky) would take every patch.
    Leg(name="singles", phase="pretrain"),
    # Whole scenes with many things, at the size of a thumbnail: what belongs together
    # by color is taught together from here on.
    Leg(
        name="mixed",
        phase="pretrain",
        changes={
            "data.variant": "mixed",
            "data.size_wh": [128, 96],
            "pretrain.tile_mixing": [[3, 4], [2, 2]],
            "pretrain.steps": 1000,
            "pretrain.noun_balance": 0.3,
            "pretrain.noun_smallest": 0.02,
            "pretrain.noun_omission": 0.15,
            "pretrain.color_sharpness": 100.0,
        },
    ),
    # Pieces of scenes with captions that leave nothing out; the moving average of the tower is its
    # teacher from here on.
    Leg(
        name="pieces",
        phase="pretrain",
        changes={
            "data.variant": "pieces",
            "data.size_wh": [96, 72],
            "pretrain.tile_mixing": [[3, 2], [1, 1]],
            "pretrain.steps": 500,
            "pretrain.learning_rate": 6e-4,
            "pretrain.noun_balance": 0.1,
            "pretrain.noun_smallest": 0.008,
            "pretrain.noun_omission": 0.0,
            "pretrain.noun_discount": 0.6,
            "pretrain.contrast_weight": 2.0,
            "pretrain.ema_steps": 300,
            "pretrain.teacher": "ema",
            "pretrain.unmasked_share": 0.0,
        },
    ),
    # Nine pieces are the tiles of one mosaic, read alone and where they stood, in other light.
    Leg(
        name="mosaic",
        phase="pretrain",
        changes={
            "data.variant": "tiles",
            "pretrain.batch": 54,
            "pretrain.steps": 200,
            "pretrain.warmup": 50,
            "pretrain.learning_rate": 5e-4,
            "pretrain.noun_smallest": 0.004,
            "pretrain.mosaic": [3, 3],
            "pretrain.teacher_mirrors": True,
            "pretrain.color_jitter": 0.6,
        },
    ),
    # Short and slow: this tower's patches are aligned already, and what a decoder learns from its
    # own settled choice costs more than it gives (docs/experiments/022-the-grains-mended.md;
    # "plain" is where it gives).
    Leg(
        name="mgca",
        phase="mgca",
        changes={
            "data.variant": "mixed",
            "data.size_wh": [288, 216],
            "data.passes": 1,
            "model.prompts": "seen",
        },
    ),
)


def config() -> TrainConfig:
    """Five legs: four of pre-training, then MGCA."""
    return TrainConfig(
        name="demo",
        model=ModelConfig(clip_name="mgca-small", early_block=3, center_text=False, prompts="both"),
        data=DataConfig(variant="singles", exposure="v2", size_wh=(96, 72), passes=2),
        # Small batches of many captions: what so short a run lacks is steps.
        pretrain=PretrainConfig(
            steps=1600,
            batch=32,
            captions=4,
            learning_rate=1e-3,
            warmup=100,
            tile_mixing=((3, 4), (3, 2)),
            unmasked_share=0.1,
        ),
        mgca=PhaseConfig(steps=60, batch=16, captions=2, learning_rate=3e-5, warmup=10),
        losses=LossConfig(
            texts="nouns",
            object_weight=0.05,
            region_weight=0.05,
            pixel_weight=0.05,
            tile_mixing=((1, 1), (1, 1)),
            noun_balance=0.0,
            noun_smallest=0.02,
            noun_discount=0.6,
            color_sharpness=100.0,
            contrast_weight=2.0,
        ),
        units=UNITS,
        evaluation=EvalConfig(every=1000, scenes=64, size_wh=(288, 216)),
        export_size_wh=(288, 216),
        checkpoint_every=500,
        legs=LEGS,
    )
