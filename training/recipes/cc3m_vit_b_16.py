"""The paper's setting: CC3M, OpenAI's ViT-B/16 frozen, the decoder trained by the three grains.

Command: ``torchrun --nproc-per-node 8 -m training.run --config cc3m_vit_b_16 --train-data
'cc3m/{00000..00331}.tar'``; how the shards are fetched: docs/cc3m.md.
Hardware: eight GPUs, 12 processor cores for each; not run on any. Its first 50 steps were run on a
CPU with batches of 8: 2.2 GB of memory, 2.5 pairs a second of one core's time.
Time: not measured; an estimate in docs/cc3m.md says 3 to 5 hours of one H100 for all pairs.
Loss: of the first 50 steps alone, on random weights and batches of 8: 1.6 at step 10, between 1.2
and 2.2 up to step 50 (most captions look the same to random weights). The rest was not run.
Score: not measured. The mIoU that is printed at the end is on StreetWorld's drawings, far from
CC3M: score an export on the published benchmarks (docs/measure.md).

MGCA's constants are not public to us. These are TCL's (Cha et al., CVPR 2023; configs/tcl.yml and
configs/default.yml of github.com/khanrc/tcl at e643d68): steps, warm-up, rate, decay, gradient
norm, image size and scale of crops, the dense features. The others are ours; docs/cc3m.md has a
table of both.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import EvalConfig, Leg, TrainConfig
from training.data.config import DataConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings

# TCL's rate is 3e-4 for 4,096 pairs a step and follows the pairs of a step.
PROCESSES, BATCH = 8, 128
TCL_RATE, TCL_PAIRS = 3e-4, 4096


def config() -> TrainConfig:
    """1,024 pairs a step in eight processes, 50,000 steps."""
    return TrainConfig(
        name="cc3m_vit_b_16",
        # MaskCLIP's features, as TCL's decoder reads them.
        model=ModelConfig(clip_name="ViT-B-16", pretrained="openai", dense="maskclip"),
        data=DataConfig(size_wh=(224, 224), crop_scale=(0.08, 1.0), workers=12),
        mgca=PhaseConfig(
            steps=50_000,
            batch=BATCH,
            learning_rate=TCL_RATE * PROCESSES * BATCH / TCL_PAIRS,
            warmup=15_000,
            weight_decay=0.05,
            clip_norm=5.0,
        ),
        # Captions alone, whole images: nouns and mixed tiles are no part of the paper.
        losses=LossConfig(noun_weight=0.0, tile_mixing=((1, 1), (1, 1))),
        # As a CLIP's training-free exports merge units.
        units=UnitSettings(space_width=64, merge_spread=0.2),
        # Drawings say nothing of this model; its own benchmarks do.
        evaluation=EvalConfig(every=0, scenes=1, size_wh=(224, 224)),
        export_size_wh=(448, 448),
        checkpoint_every=1000,
        legs=(Leg(name="mgca", phase="mgca"),),
    )
