"""What each of two processes under torchrun does in tests: a few real steps on shards.

``torchrun --standalone --nproc-per-node 2 -m tests.support.two_processes SHARDS FOLDER [last.pt]``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(shards: str, folder: str, checkpoint: str | None = None) -> None:
    """Train two steps of both phases on shards; write down what this process drew.

    ``FOLDER/RANK.json`` gets the gathered ranks, the captions that were trained on, and the next
    numbers of this process's generators.
    """
    import torch

    from training.config.optimiser import PhaseConfig
    from training.config.run import EvalConfig, PretrainConfig, TrainConfig
    from training.data.config import DataConfig
    from training.data.stream import PairStream
    from training.engine.checkpoint import load_checkpoint
    from training.engine.distributed import Processes
    from training.engine.trainer import Run

    torch.set_num_threads(1)
    PairStream.sample_scenes = PairStream.sample_pictures = 16
    config = TrainConfig(
        name="two",
        device="cpu",
        data=DataConfig(shards=shards, size_wh=(64, 48), workers=0),
        pretrain=PretrainConfig(steps=2, batch=2, warmup=1, mosaic=(1, 1), mosaic_share=0.0),
        mgca=PhaseConfig(steps=2, batch=2, warmup=1),
        evaluation=EvalConfig(every=0, scenes=1, size_wh=(64, 48)),
    )
    read: list[list[int]] = []
    with Processes("cpu") as processes:
        carried = load_checkpoint(checkpoint, to_resume=True) if checkpoint else None
        run = Run(config, Path(folder) / "run", processes, carried, show_progress=False)
        run.train_leg()
        run.next_leg()
        weights = next(run.model.clip.visual.parameters()).detach().flatten()[:4].tolist()
        batches = run.stream.batches(config.mgca, 0, 0, run.stream.collate(nouns=False))
        read = [batch.images_bhw3.flatten(1).sum(1).tolist() for batch in batches]
        run.stream.source.take_tally()
        run.train_leg()
        found = {
            "ranks": processes.gather(processes.rank),
            "images": read,
            "weights": weights,
            "decoder": float(run.model.decoder.stage2.gate.detach().flatten()[0]),
            "sampling": torch.rand(3, generator=run.active.objective.generator).tolist(),
            "drawing": torch.rand(3).tolist(),
        }
        (Path(folder) / f"{processes.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
