"""A pupil comes nearer to what its teacher says of larger pictures."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.data.batches import Batch  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.pretrain.distillation import Distillation  # noqa: E402


def tiny(seed=3):
    torch.manual_seed(seed)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(scope="module")
def batch():
    torch.manual_seed(5)
    blocks = torch.randint(0, 255, (2, 3, 6, 8), dtype=torch.uint8)
    images = blocks.repeat_interleave(8, 2).repeat_interleave(8, 3).permute(0, 2, 3, 1)
    tokens = tokenizer_for(load_clip("mgca-tiny"))(["a car", "a boat"])
    named = torch.ones(2, 2, dtype=torch.bool)
    return Batch(images.contiguous(), tokens, torch.arange(2), tokens, named)


def test_a_pupil_that_sees_as_its_teacher_has_nothing_to_learn(batch):
    losses = Distillation(tiny(), tiny(), (64, 48))(batch)
    assert losses["loss"] < 1e-6


def test_a_step_brings_the_pupil_nearer(batch):
    teacher, pupil = tiny(), tiny(seed=4)
    pupil.clip.visual.requires_grad_(True)
    objective = Distillation(teacher, pupil, (32, 24))
    optimizer = torch.optim.SGD([p for p in objective.parameters() if p.requires_grad], lr=1e-3)
    torch.manual_seed(0)
    before = objective(batch)
    before["loss"].backward()
    optimizer.step()
    torch.manual_seed(0)
    after = objective(batch)
    assert before["nouns"] > 0
    assert before["relations"] > 0
    assert after["loss"] < before["loss"]


def test_teacher_and_text_stay(batch):
    teacher, pupil = tiny(), tiny(seed=4)
    pupil.clip.visual.requires_grad_(True)
    objective = Distillation(teacher, pupil, (32, 24))
    objective(batch)["loss"].backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is None for p in pupil.clip.transformer.parameters())
    assert pupil.clip.visual.proj.grad.abs().max() > 0
    assert len(list(objective.parameters())) == len(list(pupil.parameters()))


def test_without_nouns_there_is_nothing_to_teach(batch):
    bare = Batch(batch.images_bhw3, batch.tokens_jl, batch.owner_j)
    with pytest.raises(ValueError, match="without nouns"):
        Distillation(tiny(), tiny(), (32, 24))(bare)
