"""A tiny CLIP trained as CLIP is (whole images, whole captions), and MGCA on it: where MGCA gains.

Command: ``python -m training.run --config plain``
Hardware: two processor cores.
Time: some 50 minutes of pre-training (with other work beside it), then minutes.
Score: dense features of 17.6 mIoU on 96 held-out scenes of StreetWorld before MGCA. That was
measured on 4,500 steps in two parts, ``--set pretrain.steps=1800`` (13.5 mIoU) and then
``--resume runs/plain/last.pt``, between which the rate had fallen to nothing; in one go it has not
been run.

The ablation (``python -m benchmarks.ablation``) trains its own decoders on that CLIP.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import PretrainConfig, TrainConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings


def config() -> TrainConfig:
    """CLIP's own pre-training, then the three grains at full weight."""
    return TrainConfig(
        name="plain",
        model=ModelConfig(center_text=False),
        pretrain=PretrainConfig(
            steps=4500,
            batch=64,
            captions=4,
            learning_rate=1e-3,
            warmup=200,
            unmasked_share=0.15,
            pooling="mean",
            noun_weight=0.0,
            caption_weight=1.0,
            tile_mixing=((1, 1), (1, 1)),
        ),
        mgca=PhaseConfig(steps=200, batch=32, captions=2, learning_rate=5e-3, warmup=20),
        losses=LossConfig(
            texts="nouns",
            object_weight=1.0,
            region_weight=2.0,
            pixel_weight=1.0,
            tile_mixing=((1, 1), (1, 1)),
            noun_balance=0.4,
            noun_smallest=0.02,
            noun_omission=0.15,
            color_sharpness=100.0,
        ),
        # As the ablation's tables have them.
        units=UnitSettings(
            seeds=300,
            rounds=3,
            space_width=32,
            embedding_weight=0.65,
            color_weight=4.5,
            place_weight=2.5,
            sharpness=9.0,
            merge_cosine=0.985,
            merge_rounds=4,
        ),
        export_size_wh=(224, 168),
    )
