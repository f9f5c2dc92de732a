"""The method alone: MGCA on a CLIP that is given, with captioned images from shards.

Command: ``python -m training.run --config mgca --train-data 'cc3m/{00000..00331}.tar'``
Another CLIP: ``--set model.clip_name=ViT-L-14 --set model.pretrained=FILE_OR_TAG``; without a
network the file of its weights, e.g. ``--set model.pretrained=/models/ViT-B-16.pt`` (some files
need ``--set model.activation=quickgelu``, too).
Hardware: a GPU.
Time: not measured.
Score: not measured; it depends on the CLIP and the captions. The mIoU that is printed while it
trains is on StreetWorld's held-out drawings, far from photographs: score an export of it with
``python -m benchmarks.accuracy`` on photographs.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import TrainConfig
from training.data.config import DataConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings


def config() -> TrainConfig:
    """Object, region and pixel level on OpenAI's ViT-B/16."""
    return TrainConfig(
        name="mgca",
        model=ModelConfig(clip_name="ViT-B-16", pretrained="openai"),
        data=DataConfig(size_wh=(224, 224), workers=8),
        mgca=PhaseConfig(steps=10000, batch=64, learning_rate=1e-3, warmup=200),
        losses=LossConfig(noun_weight=0.0),
        units=UnitSettings(space_width=64),
        export_size_wh=(448, 448),
        checkpoint_every=500,
    )
