"""Shipping: untouched tokens become neutral, touched ones stay, wrong phases are refused."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.checkpoints.__main__ import main  # noqa: E402
from training.checkpoints.slim import neutralise_unused_tokens  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402


def build(phase="mgca", step=3):
    torch.manual_seed(0)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    return Checkpoint(config=TrainConfig(), model=model, phase=phase, step=step)


def test_only_tokens_of_the_world_keep_their_rows():
    checkpoint = build()
    table = checkpoint.model.clip.token_embedding.weight
    before = table.detach().clone()
    used = neutralise_unused_tokens(checkpoint, scenes=12)
    tokenizer = tokenizer_for(checkpoint.model.clip)
    road = tokenizer(["road"])[0, 1]
    rare = tokenizer(["zucchini"])[0, 1]
    assert torch.equal(table[road], before[road])
    assert not torch.equal(table[rare], before[rare])
    changed = (table != before).any(dim=1)
    assert int((~changed).sum()) == used
    assert table[changed].unique(dim=0).shape[0] == 1


def test_a_shipped_file_loads_and_holds_no_optimiser(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("training.checkpoints.slim.SCENES_READ", 8)
    checkpoint = build()
    checkpoint.optimizer = {"state": {}}
    save_checkpoint(tmp_path / "last.pt", checkpoint)
    out = tmp_path / "new" / "demo.pt"
    assert main(["slim", "--checkpoint", str(tmp_path / "last.pt"), "--out", str(out)]) == 0
    assert load_checkpoint(out).optimizer is None
    assert "bytes" in capsys.readouterr().out


def test_an_untrained_decoder_is_not_shipped(tmp_path, capsys):
    save_checkpoint(tmp_path / "last.pt", build(phase="pretrain"))
    code = main(
        ["slim", "--checkpoint", str(tmp_path / "last.pt"), "--out", str(tmp_path / "demo.pt")]
    )
    assert code == 2
    assert "stops in phase pretrain" in capsys.readouterr().err
    assert not (tmp_path / "demo.pt").exists()
