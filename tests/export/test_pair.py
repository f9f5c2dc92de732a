"""A pair of towers exported: the graph says what the reference says, and the runtime runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("transformers")
pytest.importorskip("timm")

from export.cli import main  # noqa: E402
from runtime import Segmenter  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from tests.support.pair_file import write_pair  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig, load_towers  # noqa: E402
from training.model.units import UnitSettings  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "class_width, others",
    [(12, {}), (0, {}), (12, {"edge_stages": False, "class_nearness": (0.5, 0.9), "presence": 1.0}),
     (0, {"edge_stages": False})],
)  # fmt: skip
def test_from_checkpoint_to_labels(
    tmp_path: Path, class_width: int, others: dict[str, Any]
) -> None:
    config = ModelConfig(
        clip_name=str(write_pair(tmp_path / "towers")), embedding_width=24, coarse_width=16,
        decoder_width=8, decoder_depth=1, class_width=class_width, center_text=False,
        prompts="words", **others,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MgcaModel(load_towers(config), config).eval()
    with torch.no_grad():
        for weight in (*model.decoder.parameters(), *model.text_head.map.parameters()):
            weight.normal_(std=0.2)
    run = TrainConfig(name="p", model=config, units=UnitSettings(seeds=12))
    save_checkpoint(tmp_path / "last.pt", Checkpoint(run, model, "mgca", 1))
    out = tmp_path / "bundle"
    names = tmp_path / "names.txt"
    names.write_text("dog\ncat\nbus\ntree\n")
    flags = ["--checkpoint", str(tmp_path / "last.pt"), "--out", str(out), "--size", "96x64",
             "--frames", "1", "--gate", "cosine", "--precision", "fp32",
             "--vocabulary", str(names)]  # fmt: skip
    assert main(flags) == 0
    manifest = load_bundle(out).manifest
    assert manifest.clip.name == "pair" and str(tmp_path) not in manifest.to_json()
    assert manifest.trained_words is None and manifest.clip.activation is None
    origin = manifest.created_by["origin"]
    assert origin["trunk_weights_sha256"] == model.clip.visual.weights_sha256
    assert origin["text_weights_sha256"] == model.clip.text.weights_sha256
    assert min(stage["least"] for stage in manifest.parity["stages"].values()) > 0.9999
    assert manifest.parity["label_agreement"] > 0.95  # near ties of random weights apart
    segmenter = Segmenter.load(str(out))
    assert segmenter.decision.presence == manifest.presence == config.presence
    segmenter.set_classes(["dog", "red bus"], background="none")
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    labels = segmenter(picture).labels
    assert labels.shape == (48, 64) and set(np.unique(labels)) <= {0, 1}
