"""The gradient of one batch, as however many processes there are share it.

``torchrun --standalone --nproc-per-node 2 -m tests.support.shared_batch OUT.pt KIND:PARTS …``
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

IMAGES = 8


@contextlib.contextmanager
def exact_sums() -> Iterator[None]:
    """float64 wherever training computes in float32: there a sample that is drawn where two are
    nearly alike becomes the other with the order of a sum, and losses differ by 3e-4.
    """
    import torch

    dtype, single = torch.get_default_dtype(), torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.Tensor.float = single  # type: ignore[method-assign]


def whole_batch(clip: Any) -> Any:
    """Eight scenes with two captions and their nouns; images name different ones."""
    from training.data.batches import Collate
    from training.data.generated import streetworld_batches
    from training.data.nouns import NounFinder
    from training.data.streetworld import CLASS_NAMES
    from training.model.clip import tokenizer_for

    nouns = NounFinder({name: name for name in CLASS_NAMES})
    stream = streetworld_batches(
        first_seed=0, steps=1, start_step=0, batch=IMAGES, captions=2, size_wh=(64, 48), seed=0,
        collate=Collate(tokenizer_for(clip), nouns), workers=0,
    )  # fmt: skip
    return next(iter(stream))


def objective_of(kind: str) -> Any:
    """An objective with weights that are the same in every process: one that is frozen but for its
    decoder, or a CLIP.
    """
    import torch

    from training.config.run import PretrainConfig
    from training.losses.config import LossConfig
    from training.losses.objective import MgcaObjective
    from training.model.clip import load_clip
    from training.model.mgca import MgcaModel, ModelConfig
    from training.pretrain.objective import ClipObjective

    torch.manual_seed(0)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    whole: Any = ((1, 1), (1, 1))
    if kind == "clip":
        model.clip.requires_grad_(True)
        config = PretrainConfig(
            patch_dropout=0.0, tile_mixing=whole, mosaic=(1, 1), mosaic_share=0.0,
            caption_weight=1.0, color_jitter=0.0,
        )  # fmt: skip
        objective = ClipObjective(model.clip.train(), config)
        model.clip.visual.conv1.eval()  # its batch normalisation sees the images of a portion only
        return objective
    # The gates begin open, so that every term reaches the decoder. Random towers find all captions
    # alike: every pair has to count as a negative here, but for what images name themselves.
    torch.nn.init.constant_(model.decoder.stage1.gate, 0.3)
    torch.nn.init.constant_(model.decoder.stage2.gate, 0.3)
    losses = LossConfig(
        texts=kind, tile_mixing=whole, same_cosine=1.1, clip_margin=0.0, color_sharpness=30.0
    )
    return MgcaObjective(model.train(), losses, 0)


@exact_sums()
def gradient(kind: str, parts: int, processes: Any) -> tuple[dict[str, float], dict[str, Any]]:
    """Losses and gradients by name, of the share of the batch that this process has."""
    from training.engine.portions import PortionedBackward
    from training.losses.portions import split_batch

    objective = objective_of(kind)
    clip = objective.clip if kind == "clip" else objective.model.clip
    batch = split_batch(whole_batch(clip), processes.count)[processes.rank]
    backward = PortionedBackward(processes, parts)
    losses = backward(processes.wrap(objective), batch, contextlib.nullcontext())
    return (
        {name: float(value.detach()) for name, value in losses.items()},
        {name: one.grad for name, one in objective.named_parameters() if one.grad is not None},
    )


def main(out: str, *asked: str) -> None:
    """Compute several, each ``KIND:PARTS``, and let the last process write them down."""
    import torch

    from training.engine.distributed import Processes

    torch.set_num_threads(1)
    with Processes("cpu") as processes:
        found = {}
        for one in asked:
            kind, _, parts = one.partition(":")
            found[kind] = gradient(kind, int(parts), processes)
        if processes.rank == processes.count - 1:
            torch.save(found, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
