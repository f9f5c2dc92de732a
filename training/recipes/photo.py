"""Photographs with captions, on frozen ImageNet and sentence towers: the recipe of the photo model.

Command: ``python -m training.run --config photo --train-data flickr8k/captions.tsv
--set data.squashed=true --set data.cache_features=2``
Hardware: two processor cores.
Time: 45 minutes at 45 images/s (patches and kinds; 6 for the fine grid), and 6 for storing views.
Score: mIoU on 129 photographs of COCO 22.0 (names in sight and 20 background words), 41.9 (names
in sight), 21.2 (all 80 names), exported with --no-edge-stages; docs/models.md.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import EvalConfig, Leg, PretrainConfig, TrainConfig
from training.data.config import DataConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings

LEGS = (
    # What goes with what, patch by patch: most of it is learned here, at a sixteenth of the cost.
    Leg(name="patches", phase="mgca"),
    # A man is a person, a tennis ball a ball.
    Leg(
        name="kinds",
        phase="mgca",
        changes={
            "data.kinds": True,
            "mgca.steps": 250,
            "mgca.learning_rate": 1e-3,
            "mgca.warmup": 20,
        },
    ),
    # Where it ends: the decoder's stages that follow edges, what looks alike taught alike.
    Leg(
        name="edges",
        phase="mgca",
        changes={
            "data.kinds": True,
            "losses.on_patches": False,
            "losses.region_weight": 0.5,
            "losses.pixel_weight": 0.5,
            "losses.color_sharpness": 100.0,
            "mgca.steps": 150,
            "mgca.batch": 16,
            "mgca.learning_rate": 5e-4,
            "mgca.warmup": 20,
        },
    ),
)


def config() -> TrainConfig:
    """Towers as they come; the decoder and the map of the texts are trained."""
    return TrainConfig(
        name="photo",
        model=ModelConfig(
            clip_name="mgca-photo",
            decoder_depth=2,
            # As much as leaves R@5 of the dev photographs above 70 %; more for a class's own name.
            class_weight=0.35,
            class_nearness=(0.5, 0.9),
            presence=1.0,
            center_text=False,
            prompts="words",
        ),
        data=DataConfig(size_wh=(288, 288), nouns="tagger", crop_scale=(0.4, 1.0)),
        pretrain=PretrainConfig(steps=0),
        mgca=PhaseConfig(steps=700, batch=64, captions=1, learning_rate=2e-3, warmup=50),
        losses=LossConfig(
            texts="both",
            object_weight=2.0,
            on_patches=True,
            # Regions and pixels are small when patches are all there is.
            region_weight=0.0,
            pixel_weight=0.0,
            clip_margin=None,
            tile_mixing=((1, 1), (1, 1)),
            noun_balance=0.4,
            noun_smallest=0.02,
            noun_omission=0.6,
            class_level_weight=0.5,
            logit_scale=20.0,
        ),
        units=UnitSettings(
            seeds=300, space_width=32, color_weight=4.5, place_weight=2.5, merge_cosine=0.97
        ),
        evaluation=EvalConfig(every=0, scenes=1),
        export_size_wh=(448, 352),
        legs=LEGS,
    )
