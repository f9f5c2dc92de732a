"""A tiny model with random weights, some pictures, and one real export shared by the tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = "96x64"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures with shapes and noise, 160 x 120."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for index in range(4):
        image = np.full((120, 160, 3), generator.integers(0, 255, 3), np.uint8)
        for _ in range(6):
            corner, far = generator.integers(0, 120, 2), generator.integers(0, 160, 2)
            color = tuple(int(value) for value in generator.integers(0, 255, 3))
            cv2.rectangle(
                image, (int(far[0]), int(corner[0])), (int(far[1]), int(corner[1])), color, -1
            )
        noise = generator.integers(-20, 20, image.shape)
        image = np.clip(image.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), image)
    return folder


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary file of six names."""
    path = tmp_path_factory.mktemp("words") / "words.txt"
    path.write_text(
        "# what we look for\nsky\nroad\ncar=car|van\ntree\npurple bus  # a composition\n"
    )
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the tiny architecture with random weights, the decoder's gates open."""
    torch = pytest.importorskip("torch")
    from training.config.run import TrainConfig
    from training.engine.checkpoint import Checkpoint, save_checkpoint
    from training.model.clip import load_clip
    from training.model.mgca import MgcaModel
    from training.model.unit_space import UnitSpace
    from training.model.units import UnitSettings

    torch.manual_seed(0)
    units = UnitSettings(second_seeds=3.0, space_width=16, embedding_weight=0.8, merge_rounds=2)
    config = TrainConfig(name="random", units=units)
    model = MgcaModel(load_clip("mgca-tiny"), config.model).eval()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.normal_(std=0.1)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2.0)
    path = tmp_path_factory.mktemp("run") / "last.pt"
    space = UnitSpace(torch.randn(128) * 0.05, torch.randn(128, 16))
    save_checkpoint(path, Checkpoint(config, model, "pretrain", 0, unit_space=space))
    return path


@pytest.fixture(scope="session")
def arguments(checkpoint: Path, pictures: Path, words: Path) -> list[str]:
    """The flags of a quick export, all but ``--out``."""
    return [
        "--checkpoint", str(checkpoint), "--calibration", str(pictures), "--vocabulary", str(words),
        "--size", SIZE, "--frames", "2",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def bundle(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundles of one real export: the fp32 one's folder, ``-fp16`` and ``-int8`` beside it."""
    from export.cli import main

    out = tmp_path_factory.mktemp("bundles") / "tiny"
    assert main([*arguments, "--out", str(out), "--precision", "fp32,fp16,int8"]) == 0
    return out
