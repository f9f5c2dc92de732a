"""Training steps: the loss falls, grains can be switched off, masks are out of reach."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

import training.data.streetworld as streetworld  # noqa: E402
from runtime.errors import MgcaError, UserError  # noqa: E402
from training.config.optimiser import PhaseConfig  # noqa: E402
from training.config.run import PretrainConfig  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.generated import streetworld_batches  # noqa: E402
from training.data.nouns import NounFinder  # noqa: E402
from training.engine.loop import PhaseState, learning_rate_at, run_phase  # noqa: E402
from training.engine.trackers import Tracker  # noqa: E402
from training.losses.alignment import Guide  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402
from training.losses.object import ForegroundMask  # noqa: E402
from training.losses.objective import MgcaObjective  # noqa: E402
from training.losses.portions import Alone  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402

NOUNS = NounFinder({noun: noun for noun in ("sky", "road", "tree", "building", "car", "person")})


def build(seed=0):
    torch.manual_seed(seed)
    return MgcaModel(load_clip("mgca-tiny"), ModelConfig())


def batches(
    model, steps, *, batch=6, captions=2, start=0, workers=0, size_wh=(64, 48), nouns=False
):
    return streetworld_batches(
        first_seed=0,
        steps=steps,
        start_step=start,
        batch=batch,
        captions=captions,
        size_wh=size_wh,
        seed=0,
        collate=Collate(tokenizer_for(model.clip), NOUNS if nouns else None),
        workers=workers,
    )


def optimise(model, objective, steps, repeat_first=False, batch=6, **options):
    stream = list(batches(model, 1 if repeat_first else steps, batch=batch, **options))
    stream = stream * steps if repeat_first else stream
    losses = []
    objective.register_forward_hook(lambda _m, _i, out: losses.append(float(out["loss"].detach())))
    run_phase(
        name="test",
        objective=objective,
        config=PhaseConfig(steps=steps, batch=batch, warmup=1, learning_rate=2e-3),
        batches=iter(stream),
        state=PhaseState(),
        tracker=Tracker(),
        on_step=lambda state: None,
        device=torch.device("cpu"),
        precision="fp32",
    )
    return losses


# CLIP's own loss on whole images.
PLAIN = PretrainConfig(
    pooling="mean",
    noun_weight=0.0,
    patch_dropout=0.0,
    tile_mixing=((1, 1), (1, 1)),
    caption_weight=1.0,
)


@pytest.mark.slow
def test_decoder_steps_lower_the_loss():
    model = build()
    objective = MgcaObjective(model, LossConfig(clip_margin=None), 0)
    losses = optimise(model, objective.train(), 20, repeat_first=True)
    assert losses[-1] < 0.9 * losses[0]
    assert model.decoder.stage1.gate.abs().max() > 0


@pytest.mark.slow
@pytest.mark.parametrize("size_wh", [(128, 96), (64, 64)], ids=["its own size", "another size"])
def test_clip_steps_lower_the_loss(size_wh):
    model = build()
    model.clip.requires_grad_(True)
    objective = ClipObjective(model.clip.train(), PLAIN)
    losses = optimise(model, objective, 12, repeat_first=True, size_wh=size_wh)
    assert losses[-1] < 0.8 * losses[0]


def test_attention_is_as_coarse_as_asked_for():
    """Left alone, PyTorch's plain attention multiplies in float32 under bfloat16 autocast."""
    attended = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func is torch.ops.aten.bmm.default and args[0].shape[0] == 6 * 3:  # images, heads
                attended.add(args[0].dtype)
            return func(*args, **(kwargs or {}))

    model = build()
    batch = next(iter(batches(model, 1)))
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    with torch.autocast("cpu", torch.bfloat16), Watch():
        ClipObjective(model.clip, PLAIN)(batch)
    assert attended == {torch.bfloat16}
    assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed() == before


def test_images_that_the_patch_does_not_divide():
    model = build()
    batch = next(iter(batches(model, 1, size_wh=(100, 96))))
    with pytest.raises(UserError, match=r"100x96 pixels are no multiples.*8x8.*data\.size_wh"):
        ClipObjective(model.clip, PLAIN)(batch)


@pytest.mark.parametrize("grain", ["object", "region", "pixel", "area", "smooth"])
def test_each_term_can_be_switched_off(grain):
    model = build()
    batch = next(iter(batches(model, 1)))
    full = MgcaObjective(model, LossConfig(), 0)(batch)
    less = MgcaObjective(model, LossConfig(**{f"{grain}_weight": 0.0}), 0)(batch)
    assert grain in full
    assert grain not in less
    assert float(less["loss"].detach()) == pytest.approx(
        sum(float(value.detach()) for key, value in less.items() if key != "loss"), rel=1e-5
    )


@pytest.mark.parametrize("texts", ["captions", "nouns"])
def test_grains_align_captions_or_the_nouns_they_name(texts):
    model = build()
    batch = next(iter(batches(model, 1, nouns=True)))
    objective = MgcaObjective(model, LossConfig(texts=texts), 0)
    plan = objective.prepare([batch], Alone())
    nouns_ud = plan.words.nouns_ud
    text_jd, owner_j, noun_j = plan.texts.frozen_kd, plan.texts.owner_k, plan.texts.noun_k
    assert len(text_jd) == len(owner_j)
    if texts == "captions":
        assert torch.equal(owner_j, batch.owner_j) and noun_j is None
        return
    assert torch.equal(text_jd, nouns_ud[noun_j]) and batch.named_bu[owner_j, noun_j].all()
    named = {
        int(row): [column for column in range(len(nouns_ud)) if batch.named_bu[row, column]]
        for row in owner_j
    }
    for row, text_d in zip(owner_j, text_jd, strict=True):
        assert any(torch.equal(text_d, nouns_ud[column]) for column in named[int(row)])
    assert float(objective(batch)["loss"].detach()) > 0


def test_a_noun_guides_by_its_share_and_a_caption_by_its_mask():
    mask = ForegroundMask()
    own, owner = torch.tensor([[0.9, 0.1]]), torch.tensor([0])
    shares = (torch.tensor([[[0.7, 0.3], [0.2, 0.8]]]), torch.ones(1, 2))
    by_share = Guide(mask=mask, shares=shares).hold(own, owner, torch.tensor([1]))
    assert by_share[0].tolist() == pytest.approx([0.3, 0.8])
    by_mask = Guide(mask=mask).hold(own, owner, None)
    assert torch.equal(by_mask, mask(own).detach())


def test_settled_targets_teach_the_decoder_something_else():
    model = build()
    torch.nn.init.constant_(model.decoder.stage2.gate, 0.5)
    batch = next(iter(batches(model, 1, nouns=True)))
    plain, settled = (
        MgcaObjective(model, LossConfig(color_sharpness=sharpness), 0)(batch)
        for sharpness in (0.0, 100.0)
    )
    assert float(plain["presence"].detach()) == float(settled["presence"].detach())
    assert float(plain["cover"].detach()) != float(settled["cover"].detach())


def test_nouns_teach_both_phases():
    model = build()
    model.clip.requires_grad_(True)
    size = {"size_wh": (128, 96), "nouns": True}
    nouns = dataclasses.replace(PLAIN, pooling="match", noun_weight=1.0, color_sharpness=100.0)
    objective = ClipObjective(model.clip.train(), nouns)
    batch = next(iter(batches(model, 1, **size)))
    losses = objective(batch)
    assert float(losses["loss"].detach()) == pytest.approx(
        sum(float(losses[key].detach()) for key in ("caption", "cover", "presence")), rel=1e-5
    )
    model.clip.requires_grad_(False)
    torch.nn.init.constant_(model.decoder.stage2.gate, 0.5)
    only = {f"{name}_weight": 0.0 for name in ("object", "region", "pixel", "area", "smooth")}
    losses = MgcaObjective(model, LossConfig(**only), 0)(batch)
    assert set(losses) == {"cover", "presence", "loss"}
    losses["loss"].backward()
    assert model.decoder.stage2.speak.weight.grad.abs().sum() > 0
    # Without nouns in the batch there is nothing to name.
    plain = next(iter(batches(model, 1, size_wh=(128, 96))))
    kept = LossConfig(area_weight=0.0, smooth_weight=0.0)
    assert "cover" not in MgcaObjective(model, kept, 0)(plain)


def test_every_grain_reaches_the_decoder():
    names = ("object", "region", "pixel")
    for chosen in names:
        model = build()
        torch.nn.init.constant_(model.decoder.stage2.gate, 0.5)
        weights = {f"{name}_weight": float(name == chosen) for name in names}
        # Random towers find all captions alike: every pair must count as a negative here.
        every = {"same_cosine": 1.1, "clip_margin": None}
        config = LossConfig(area_weight=0.0, smooth_weight=0.0, **weights, **every)
        objective = MgcaObjective(model, config, 0)
        objective(next(iter(batches(model, 1))))["loss"].backward()
        assert model.decoder.stage2.speak.weight.grad.abs().sum() > 0, chosen


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_step_always_holds_the_same_scenes(workers):
    model = build()
    whole = list(batches(model, 3))
    late = list(batches(model, 3, start=2, workers=workers))
    assert len(late) == 1
    assert torch.equal(whole[2].images_bhw3, late[0].images_bhw3)
    assert torch.equal(whole[2].tokens_jl, late[0].tokens_jl)
    assert torch.equal(whole[2].owner_j, late[0].owner_j)


def test_masks_are_out_of_reach(monkeypatch):
    """With every mask the world can draw replaced by noise, training ends at the same weights."""

    def train():
        model = build()
        optimise(model, MgcaObjective(model, LossConfig(), 0).train(), 3)
        return model.state_dict()

    truth = train()
    real = streetworld.generate_scene
    calls = []

    def noisy(*arguments, **options):
        calls.append(arguments)
        scene = real(*arguments, **options)
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 20, scene.labels_hw.shape).astype(np.uint8)
        object.__setattr__(scene, "labels_hw", noise)
        return scene

    import training.data.streetworld.masks as masks

    monkeypatch.setattr(streetworld, "generate_scene", noisy)
    for name, value in list(vars(masks).items()):
        if callable(value) and getattr(value, "__module__", "") == masks.__name__:
            monkeypatch.setattr(masks, name, lambda *a, **k: pytest.fail("training drew a mask"))
    blind = train()
    assert not calls
    for name, value in truth.items():
        assert torch.equal(value, blind[name]), name


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.1), (9, 1.0), (10, 1.0), (60, 0.505), (110, 0.01)]
)
def test_learning_rate(step, expected):
    config = PhaseConfig(steps=110, warmup=10, learning_rate=1.0)
    assert learning_rate_at(step, config) == pytest.approx(expected)


def test_a_loss_that_is_not_finite_changes_nothing():
    model = build()
    objective = MgcaObjective(model, LossConfig(region_weight=0.0), 0).train()
    with torch.no_grad():
        objective.mask.bias.fill_(float("nan"))
    before = {k: v.clone() for k, v in model.decoder.state_dict().items()}
    with pytest.raises(MgcaError, match="the loss is not finite"):
        optimise(model, objective, 1)
    for name, value in model.decoder.state_dict().items():
        assert torch.equal(value, before[name]), name
