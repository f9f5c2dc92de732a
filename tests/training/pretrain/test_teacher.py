"""A frozen tower says what patches show: what it says is taught, and it stays as it is."""

from __future__ import annotations

import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.config.run import PretrainConfig  # noqa: E402
from training.data.batches import Batch  # noqa: E402
from training.engine.phases import Pretraining  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402
from training.pretrain.teacher import NounTeacher  # noqa: E402

WHOLE = PretrainConfig(
    tile_mixing=((1, 1), (1, 1)), patch_dropout=0.0, noun_balance=0.0, color_sharpness=100.0
)
HALF = dataclasses.replace(WHOLE, tile_mixing=((2, 2), (2, 2)), patch_dropout=0.5)


@pytest.fixture(scope="module")
def batch(noun_batch) -> Batch:
    return noun_batch(0, 6, (128, 96))


def cover_of(clip, config, batch, teacher=None) -> float:
    return float(ClipObjective(clip, config, teacher)(batch)["cover"].detach())


def test_a_tower_that_teaches_itself_learns_what_it_would_alone(clip, batch):
    alone = cover_of(clip, WHOLE, batch)
    assert cover_of(clip, WHOLE, batch, NounTeacher(copy.deepcopy(clip))) == pytest.approx(alone)


def test_another_teacher_teaches_something_else(clip, batch):
    torch.manual_seed(1)
    other = NounTeacher(load_clip("mgca-tiny"))
    assert abs(cover_of(clip, WHOLE, batch, other) - cover_of(clip, WHOLE, batch)) > 1e-4


def test_a_choice_is_of_whole_images_whatever_the_pupil_is_shown(clip, batch):
    teacher = NounTeacher(clip)
    every_bpu = teacher.choose(batch, None)
    kept_q = torch.tensor([0, 5, 191])
    nouns = batch.nouns[0].shape[0]
    assert every_bpu.shape == (6, 192, nouns)
    assert torch.allclose(every_bpu.sum(-1), torch.ones(6, 192), atol=1e-5)
    assert torch.equal(teacher.choose(batch, kept_q), every_bpu[:, kept_q])


def test_what_is_seen_mirrored_is_turned_back(clip, batch):
    teacher = NounTeacher(clip)
    plain_bpu = teacher.choose(batch, None)
    mirrored = dataclasses.replace(batch, images_bhw3=batch.images_bhw3.flip(2))
    seen_bpu = teacher.choose(mirrored, None, mirrors=True)
    grid_hw = (12, 16)
    expected_bpu = plain_bpu.unflatten(1, grid_hw).flip(2).flatten(1, 2)
    assert torch.allclose(seen_bpu, expected_bpu, atol=1e-6)
    assert not torch.allclose(seen_bpu, plain_bpu, atol=1e-3)


@pytest.mark.slow
def test_the_pupil_moves_and_the_teacher_stays(clip, batch):
    teacher = NounTeacher(copy.deepcopy(clip))
    before = copy.deepcopy(teacher.clip.state_dict())
    objective = ClipObjective(clip, HALF, teacher)
    assert not any("teacher" in name for name, _ in objective.named_parameters())
    optimizer = torch.optim.SGD(objective.parameters(), lr=0.005)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = objective(batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert all(
        torch.equal(before[name], value) for name, value in teacher.clip.state_dict().items()
    )


def test_a_teacher_of_other_patches_is_refused(clip):
    teacher = NounTeacher(copy.deepcopy(clip))
    teacher.clip.visual.patch_size = (16, 16)
    with pytest.raises(UserError, match=r"\(16, 16\).*\(8, 8\)"):
        ClipObjective(clip, WHOLE, teacher)


def test_a_teacher_that_is_not_there_is_told(clip, tmp_path):
    config = dataclasses.replace(WHOLE, teacher=str(tmp_path / "nowhere.pt"))
    model = MgcaModel(clip, ModelConfig(clip_name="mgca-tiny"))
    with pytest.raises(UserError, match="nowhere"):
        Pretraining(model, config, torch.device("cpu"))
