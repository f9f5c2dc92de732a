"""The running average of a tower's weights: by hand, as a teacher, and through a whole run."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

from training.config.run import PretrainConfig  # noqa: E402
from training.engine.checkpoint import load_checkpoint  # noqa: E402
from training.engine.ema import Ema  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.run import main  # noqa: E402


@pytest.fixture
def clip():
    torch.manual_seed(0)
    return load_clip("mgca-tiny")


def shifted(clip, by):
    other = copy.deepcopy(clip)
    with torch.no_grad():
        for value in other.state_dict().values():
            value += by if value.is_floating_point() else 3
    return other


@pytest.mark.parametrize(("steps", "updates", "way"), [(1, 1, 1.0), (4, 1, 0.25), (4, 2, 0.4375)])
def test_every_step_moves_a_share_of_the_way(clip, steps, updates, way):
    average = Ema(clip, steps)
    for _ in range(updates):
        average.update(shifted(clip, 1.0))
    start = clip.state_dict()
    for name, value in average.clip.state_dict().items():
        moved = way if value.is_floating_point() else 3
        assert torch.allclose(value, start[name] + moved, atol=1e-5), name


def test_the_tower_itself_stays_as_it_was(clip):
    before = copy.deepcopy(clip.state_dict())
    average = Ema(clip, 2)
    average.update(shifted(clip, 1.0))
    with pytest.raises(KeyError), average.lent_to(clip):
        assert torch.equal(clip.state_dict()["visual.proj"], average.clip.visual.proj)
        assert not torch.equal(clip.state_dict()["visual.proj"], before["visual.proj"])
        raise KeyError  # what is lent comes back even so
    assert all(torch.equal(value, before[name]) for name, value in clip.state_dict().items())
    assert not any(parameter.requires_grad for parameter in average.clip.parameters())


def test_a_negative_reach_is_refused():
    with pytest.raises(ValueError, match="ema_steps is -1"):
        PretrainConfig(ema_steps=-1)


SHORT = [
    *("--config", "smoke", "--set", "pretrain.batch=4", "--set", "mgca.steps=0"),
    *("--set", "data.size_wh=[64,48]", "--set", "evaluation.size_wh=[64,48]"),
    *("--set", "evaluation.scenes=1", "--set", "evaluation.every=0", "--set", "threads=1"),
    *("--set", "units.seeds=16"),
    *("--set", "data.workers=0", "--set", "pretrain.steps=3", "--set", "pretrain.warmup=1"),
    *("--set", "pretrain.teacher=ema", "--set", "pretrain.ema_steps=3"),
]


def test_a_teacher_that_is_not_kept_is_told(tmp_path, capfd):
    assert main(["--runs", str(tmp_path), *SHORT, "--set", "pretrain.ema_steps=0"]) == 2
    assert "pretrain.ema_steps=300" in capfd.readouterr().err


@pytest.mark.slow
def test_pretraining_ends_with_the_average_and_goes_on_with_it(tmp_path, few_scenes):
    assert main(["--runs", str(tmp_path), *SHORT, "--set", "name=whole"]) == 0
    assert main(["--runs", str(tmp_path), *SHORT, "--set", "name=broken", "--until", "2"]) == 0
    last = tmp_path / "broken/last.pt"
    stopped = load_checkpoint(last, to_resume=True)
    assert stopped.ema is not None
    proj = stopped.ema["visual.proj"]
    assert not torch.allclose(stopped.model.clip.visual.proj, proj, atol=1e-6)
    # Whoever does not go on with the run gets the average.
    assert torch.equal(load_checkpoint(last).model.clip.visual.proj, proj)
    skip = ["--resume", str(last), "--set", "pretrain.steps=0", "--set", "name=skipped"]
    assert main(["--runs", str(tmp_path), *skip]) == 0
    skipped = load_checkpoint(tmp_path / "skipped/last.pt").model.clip.visual.proj
    assert torch.equal(skipped, proj)
    assert main(["--runs", str(tmp_path), "--resume", str(last)]) == 0
    whole = load_checkpoint(tmp_path / "whole/last.pt").model.state_dict()
    for name, value in load_checkpoint(last).model.state_dict().items():
        assert torch.allclose(value, whole[name], atol=1e-5), name
    assert main(["--runs", str(tmp_path), *SHORT[:-4], "--set", "name=plain"]) == 0
    plain = load_checkpoint(tmp_path / "plain/last.pt").model.clip.visual.proj
    assert not torch.allclose(plain, whole["clip.visual.proj"], atol=1e-4)
