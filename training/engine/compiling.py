"""torch.compile on what a training step spends its time in."""

from __future__ import annotations

from training.model.mgca import MgcaModel


def compile_model(model: MgcaModel) -> None:
    """Let torch compile towers and decoder in place, at their first call; names of weights stay."""
    model.decoder.compile()
    if model.text_head is not None:
        model.encoder.compile()
        return
    # Block by block: all of a tower's are alike, and are compiled once.
    for tower in (model.clip.visual.transformer, model.clip.transformer):
        for block in tower.resblocks:
            block.compile()
