"""Whole exports of weights that half precision cannot run: one block's values are too large."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export import job  # noqa: E402
from export.cli import main  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from tests.export.first_answer import first_answer  # noqa: E402
from training.engine.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402

SCALE = 1e5

pytestmark = pytest.mark.slow


def _scale_a_block(block) -> None:
    """Make the block's hidden values larger and its answer smaller, by as much."""
    with torch.no_grad():
        block.mlp.c_fc.weight.mul_(SCALE)
        block.mlp.c_fc.bias.mul_(SCALE)
        block.mlp.c_proj.weight.div_(SCALE)


@pytest.fixture(scope="module")
def scaled(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """The flags of an export of weights of which a block of one tower is scaled."""

    def flags(tower: str) -> list[str]:
        loaded = load_checkpoint(arguments[1])
        clip = loaded.model.clip
        transformer = clip.visual.transformer if tower == "seeing" else clip.transformer
        _scale_a_block(transformer.resblocks[1])
        path = tmp_path_factory.mktemp("scaled") / "last.pt"
        save_checkpoint(path, loaded)
        return ["--checkpoint", str(path), *arguments[2:], "--precision", "fp16"]

    return flags


def test_a_block_beyond_half_fails_or_stays_in_fp32(
    scaled: Callable[..., Any], tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(job, "trace_segmenter", first_answer(job.trace_segmenter))
    flags, out = [*scaled("seeing"), "--no-text-encoder", "--gate", "cosine"], tmp_path / "out"
    assert main([*flags, "--out", str(out)]) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("export: error: fp16: ") and "(encoder.mlp)" in line
    assert not list(tmp_path.iterdir())
    assert main([*flags, "--out", str(out), "--auto-fallback"]) == 0
    manifest = load_bundle(out).manifest
    kept = manifest.parity["kept_fp32_nodes"]
    assert kept and all(value > 32752 for value in kept.values())
    assert manifest.parity["largest_magnitude"] == max(kept.values())
    assert manifest.products["segmenter.onnx"]["half"] > 10


def test_a_text_encoder_beyond_half(scaled: Callable[..., Any], tmp_path: Path, capsys) -> None:
    flags, out = [*scaled("reading"), "--out", str(tmp_path / "out")], tmp_path / "out"
    assert main(flags) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("export: error: text encoder fp16: ")
    assert main([*flags, "--auto-fallback"]) == 0
    assert "text encoder fp16: " in capsys.readouterr().err
    assert load_bundle(out).manifest.parity["text_encoder"]["cosine_min"] > 0.999
