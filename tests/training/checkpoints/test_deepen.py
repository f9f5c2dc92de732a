"""A deeper tower computes what the shallow one did, and only a deeper one is taken."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training.checkpoints.__main__ import main  # noqa: E402
from training.checkpoints.deepen import deepen_model, places_of  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402


def tiny(dense=None):
    torch.manual_seed(3)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig(dense=dense))
    for parameter in model.parameters():
        # Gates and biases of a new model are zero; a trained one's are not.
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval()


@pytest.mark.parametrize(
    ("shallow", "deep", "expected"), [(3, 6, [1, 3, 5]), (3, 4, [0, 1, 3]), (3, 7, [1, 3, 6])]
)
def test_the_last_block_stays_the_last(shallow, deep, expected):
    assert places_of(shallow, deep) == expected


@pytest.mark.parametrize("dense", ["tokens", "maskclip", "clearclip"])
def test_the_grown_model_computes_the_same(dense):
    model = tiny(dense)
    grown = deepen_model(model, "mgca-small")
    images = torch.randn(2, 3, 96, 128)
    with torch.no_grad():
        expected, found = model.pixel_embeddings(images), grown.pixel_embeddings(images)
    assert torch.equal(found, expected)
    assert len(grown.clip.visual.transformer.resblocks) == 6


def test_new_blocks_learn():
    grown = deepen_model(tiny(), "mgca-small")
    block = grown.clip.visual.transformer.resblocks[0]
    grown.clip.visual.requires_grad_(True)
    grown.encoder(torch.randn(1, 3, 96, 128)).embeddings_bdhw.square().sum().backward()
    for linear in (block.attn.out_proj, block.mlp.c_proj):
        assert linear.weight.grad.abs().max() > 0


def test_without_silence_the_result_differs(monkeypatch):
    monkeypatch.setattr("training.checkpoints.deepen.silence_block", lambda block: None)
    model = tiny()
    grown = deepen_model(model, "mgca-small")
    images = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        assert not torch.allclose(
            model.pixel_embeddings(images), grown.pixel_embeddings(images), atol=1e-3
        )


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "last.pt"
    model = tiny()
    config = dataclasses.replace(TrainConfig(), model=model.config)
    save_checkpoint(path, Checkpoint(config=config, model=model, phase="mgca", step=9))
    return path


def test_the_file_is_a_new_start(tmp_path, stored):
    out = tmp_path / "new" / "grown.pt"
    assert main(["deepen", "--from", str(stored), "--clip", "mgca-small", "--out", str(out)]) == 0
    grown = load_checkpoint(out)
    assert (grown.phase, grown.step, grown.optimizer) == ("pretrain", 0, None)
    assert grown.config.model == ModelConfig(clip_name="mgca-small", early_block=3)


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ("mgca-tiny", "expected a deeper tower"),
        ("ViT-B-32", "differs from mgca-tiny in more than its depth"),
        ("no-such", "not known to open_clip"),
    ],
)
def test_what_is_no_deeper_tower_is_refused(tmp_path, stored, capsys, clip, words):
    out = tmp_path / "out.pt"
    assert main(["deepen", "--from", str(stored), "--clip", clip, "--out", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
