"""A checkpoint of the tiny architecture with random weights, as a run would have left it."""

from __future__ import annotations

from pathlib import Path


def save_random_checkpoint(path: Path, *, decoder_depth: int = 4) -> None:
    """Write a checkpoint whose every part matters to the output: open gates, odd statistics.

    Args:
        path: where; the folder must exist.
        decoder_depth: convolution blocks of the decoder on the patch grid.
    """
    import torch

    from training.config.run import TrainConfig
    from training.engine.checkpoint import Checkpoint, save_checkpoint
    from training.model.clip import load_clip
    from training.model.mgca import MgcaModel, ModelConfig
    from training.model.unit_space import UnitSpace
    from training.model.units import UnitSettings

    torch.manual_seed(0)
    units = UnitSettings(second_seeds=3.0, space_width=16, embedding_weight=0.8, merge_rounds=2)
    model_config = ModelConfig(decoder_depth=decoder_depth)
    config = TrainConfig(name="random", units=units, model=model_config)
    model = MgcaModel(load_clip("mgca-tiny"), config.model).eval()
    randomise(model)
    space = UnitSpace(torch.randn(128) * 0.05, torch.randn(128, 16))
    save_checkpoint(path, Checkpoint(config, model, "pretrain", 0, unit_space=space))


def randomise(model) -> None:
    """Give a fresh MgcaModel a decoder that adds something, and statistics that are not 0 and 1."""
    import torch

    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.normal_(std=0.1)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2.0)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.1)
