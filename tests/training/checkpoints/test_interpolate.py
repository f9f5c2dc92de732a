"""Averaging two states of a run: the ends, the middle, and what cannot be averaged."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training.checkpoints.__main__ import main  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402


def write(path, seed, **model):
    torch.manual_seed(seed)
    config = dataclasses.replace(TrainConfig(), model=ModelConfig(**model))
    built = MgcaModel(load_clip("mgca-tiny"), config.model)
    checkpoint = Checkpoint(config=config, model=built, phase="pretrain", step=7)
    checkpoint.optimizer = {"state": {}}
    save_checkpoint(path, checkpoint)
    return path


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    return write(folder / "first.pt", 1), write(folder / "second.pt", 2)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_weight_lies_between_by_its_share(tmp_path, states, share):
    out = tmp_path / "new" / "between.pt"
    assert main(arguments(*states, share, out)) == 0
    found = load_checkpoint(out)
    assert (found.phase, found.step, found.optimizer) == ("pretrain", 0, None)
    first, second = (load_checkpoint(path).model.state_dict() for path in states)
    for name, value in found.model.state_dict().items():
        if value.is_floating_point():
            expected = first[name] + share * (second[name] - first[name])
            assert torch.allclose(value, expected, atol=1e-6), name


def arguments(first, second, share, out):
    files = ["--from", str(first), "--to", str(second), "--out", str(out)]
    return ["interpolate", f"--share={share}", *files]


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan"])
def test_a_share_beyond_the_two_is_refused(tmp_path, states, share, capsys):
    out = tmp_path / "out.pt"
    code = main(arguments(*states, share, out))
    assert code == 2
    assert "from 0 to 1" in capsys.readouterr().err
    assert not out.exists()


def test_states_that_ask_for_names_otherwise_can_be_averaged(tmp_path, states):
    other = write(tmp_path / "other.pt", 3, prompts="both")
    out = tmp_path / "out.pt"
    assert main(arguments(states[0], other, 0.5, out)) == 0
    assert load_checkpoint(out).config.model.prompts == "both"


def test_a_closed_decoder_passes_the_embeddings_through(tmp_path):
    taught = []
    for seed in (4, 5):
        path = write(tmp_path / f"{seed}.pt", seed)
        checkpoint = load_checkpoint(path)
        for stage in (checkpoint.model.decoder.stage1, checkpoint.model.decoder.stage2):
            torch.nn.init.constant_(stage.gate, 0.5)
        save_checkpoint(path, checkpoint)
        taught.append(path)
    images = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))

    def differs(*flags):
        out = tmp_path / "out.pt"
        assert main([*arguments(*taught, 0.5, out), *flags]) == 0
        model = load_checkpoint(out).model.eval()
        with torch.no_grad():
            features = model.encoder(images)
            fine = features.embeddings_bdhw
            for _ in range(2):
                fine = torch.nn.functional.interpolate(fine, scale_factor=2, mode="bilinear")
            gap = model.decoder(features, images) - fine
        return float(gap.abs().max())

    assert differs("--close-decoder") < 1e-5 < 1e-2 < differs()


def test_two_architectures_are_refused(tmp_path, states, capsys):
    other = write(tmp_path / "other.pt", 3, decoder_width=48)
    assert main(arguments(states[0], other, 0.5, tmp_path / "out.pt")) == 2
    assert "expected two states of one run" in capsys.readouterr().err
