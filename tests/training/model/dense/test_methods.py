"""Each method against a computation of its own in NumPy, and its parts by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.training.model.dense import plain_methods  # noqa: E402
from tests.training.model.dense.plain_tower import PlainTower, stretch, stretch_matrix  # noqa: E402
from training.model.dense import DENSE_MODES, DenseEncoder, resize_position_embedding  # noqa: E402
from training.model.dense.naclip import neighborhood  # noqa: E402
from training.model.dense.outliers import LocalOutliers, LoudPatches, mend  # noqa: E402
from training.model.dense.similarity import Similarity  # noqa: E402

PATCH, HEADS = 8, 3
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "patch_size": PATCH, "width": 48, "layers": 12}
    | {"head_width": 16},
    "text_cfg": {"context_length": 4, "vocab_size": 8, "width": 8, "heads": 1, "layers": 1},
}


def _narrow(patch: int):
    """Twelve blocks, narrow, with weights large enough that patches differ; 8 x 8 patches."""
    import open_clip

    torch.manual_seed(3)
    vision = CLIP["vision_cfg"] | {"image_size": 8 * patch, "patch_size": patch}
    model = open_clip.CLIP(**{**CLIP, "vision_cfg": vision}).eval().requires_grad_(False)
    for name, weight in model.visual.named_parameters():
        weight.add_(torch.randn_like(weight) * (0.02 if "proj_bias" in name else 0.1))
    return model


@pytest.fixture(scope="module")
def clip():
    """Patches of 8 pixels."""
    return _narrow(PATCH)


@pytest.fixture(scope="module")
def clip_16():
    """Patches of 16 pixels, as ViT-B/16 has them."""
    return _narrow(16)


def _plain(clip, image, how: str):
    weights = {name: value.double().numpy() for name, value in clip.visual.state_dict().items()}
    patch = clip.visual.patch_size[0]
    grid_hw = tuple(side // patch for side in image.shape[1:])
    tower = PlainTower(weights, HEADS, patch, grid_hw)
    position = stretch(weights["positional_embedding"], (8, 8), grid_hw, how)
    return tower, *tower.run(image.double().numpy(), position)


@pytest.mark.parametrize("size_hw", [(96, 96), (64, 104)])
@pytest.mark.parametrize("mode", plain_methods.METHODS)
def test_agrees_with_numpy(clip, mode: str, size_hw: tuple[int, int]) -> None:
    _compare(clip, mode, size_hw)


@pytest.mark.slow
@pytest.mark.parametrize("size_hw", [(224, 224), (336, 448)])
@pytest.mark.parametrize("mode", plain_methods.METHODS)
def test_agrees_with_numpy_at_the_sizes_of_the_field(
    clip_16, mode: str, size_hw: tuple[int, int]
) -> None:
    _compare(clip_16, mode, size_hw)


def _compare(clip, mode: str, size_hw: tuple[int, int]) -> None:
    image = torch.randn(3, *size_hw, generator=torch.Generator().manual_seed(7))
    how = "scale-factor" if size_hw[0] == size_hw[1] else "size"
    tower, outputs, attention = _plain(clip, image, how)
    expected = tower.embed(plain_methods.METHODS[mode](tower, outputs, attention))
    features = DenseEncoder(clip, mode, position_resize=how)(image[None])
    found = features.embeddings_bdhw[0].flatten(1).T.double().numpy()
    assert np.abs(expected).mean() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
    late = features.late_bchw[0].flatten(1).T.double().numpy()
    np.testing.assert_allclose(late, outputs[-1][1:], atol=1e-4, rtol=0)


def test_the_comparison_sees_what_methods_decide(clip) -> None:
    """Cosines on both sides of the cut, outliers of both kinds: else the test above proves less."""
    image = torch.randn(3, 96, 96, generator=torch.Generator().manual_seed(7))
    _, outputs, attention = _plain(clip, image, "size")
    for place in (3, 8):
        units = outputs[place][1:] / np.linalg.norm(outputs[place][1:], axis=1, keepdims=True)
        assert 0.02 < (units @ units.T < 0.4).mean() < 0.98
    assert plain_methods.local_outliers(outputs[10][1:]).sum() == 8  # 143 - floor(0.95 * 143)
    assert plain_methods.loud_patches(attention.mean(0)).any()


@pytest.mark.parametrize("mode", DENSE_MODES)
def test_images_of_a_batch_do_not_meet(clip, mode: str) -> None:
    images = torch.randn(2, 3, 64, 72, generator=torch.Generator().manual_seed(2))
    encoder = DenseEncoder(clip, mode)
    both = encoder(images).embeddings_bdhw
    torch.testing.assert_close(both[1:], encoder(images[1:]).embeddings_bdhw, atol=1e-4, rtol=0)


@pytest.mark.parametrize("how", ["size", "scale-factor", "antialias"])
@pytest.mark.parametrize("grid_hw", [(12, 16), (5, 9)])
def test_position_embeddings_are_stretched_as_named(how: str, grid_hw: tuple[int, int]) -> None:
    embedding = torch.randn(1 + 7 * 8, 3, generator=torch.Generator().manual_seed(1))
    found = resize_position_embedding(embedding, (7, 8), grid_hw, how)
    expected = stretch(embedding.double().numpy(), (7, 8), grid_hw, how)
    np.testing.assert_allclose(found.double().numpy(), expected, atol=1e-5, rtol=0)


def test_the_three_ways_to_stretch_differ() -> None:
    ways = [stretch_matrix(14, 28, how) for how in ("size", "scale-factor", "antialias")]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(ways[one] - ways[other]).max() > 0.01


def test_antialias_is_what_open_clip_does(clip) -> None:
    from open_clip.model import resize_pos_embed

    state = {"visual.positional_embedding": clip.visual.positional_embedding.clone()}
    larger = type("Larger", (), {"visual": type("Visual", (), {"grid_size": (14, 14)})()})()
    resize_pos_embed(state, larger)
    found = resize_position_embedding(
        clip.visual.positional_embedding, (8, 8), (14, 14), "antialias"
    )
    torch.testing.assert_close(found, state["visual.positional_embedding"])


def test_outliers_are_mended_from_sound_neighbors() -> None:
    """2 x 3 patches 0 1 2 / 3 4 5; 1 and 4 are outliers: their neighbors are 0, 2, 3 and 5."""
    patches = torch.tensor([0.0, 100, 2, 3, 200, 5]).reshape(1, 6, 1)
    odd = torch.tensor([[0.0, 1, 0, 0, 1, 0]])
    assert mend(patches, odd, (2, 3), empties=False).flatten().tolist() == pytest.approx(
        [0, 2.5, 2, 3, 2.5, 5]
    )
    every = torch.ones(1, 6)
    assert torch.equal(mend(patches, every, (2, 3), empties=False), patches)
    assert torch.equal(mend(patches, every, (2, 3), empties=True), torch.zeros(1, 6, 1))


def test_loud_patches_by_hand() -> None:
    """The class token's attention times 1.5, against each patch's own."""
    attention = torch.zeros(1, 4, 4)
    attention[0, 0, 1:] = torch.tensor([0.2, 0.5, 0.1])
    attention[0].diagonal()[1:] = torch.tensor([0.4, 0.6, 0.1])
    assert LoudPatches()(attention).tolist() == [[0, 1, 1]]  # 0.3 < 0.4, 0.75 > 0.6, 0.15 > 0.1
    attention[0].diagonal()[1:] = 1
    assert LoudPatches()(attention).tolist() == [[0, 0, 0]]


def test_a_patch_far_from_all_is_a_local_outlier() -> None:
    patches = torch.randn(1, 60, 4, generator=torch.Generator().manual_seed(0))
    patches[0, 17] += 9
    found = LocalOutliers()(patches)
    assert found[0, 17] == 1
    assert found.sum() == 3  # 59 - floor(0.95 * 59)


@pytest.mark.parametrize("cuts", [False, True])
def test_patches_that_are_all_alike_give_numbers(cuts: bool) -> None:
    share, attention = Similarity(cuts=cuts)(torch.ones(1, 5, 3))
    torch.testing.assert_close(share, torch.full((1, 5, 5), 0.2))
    assert attention.isfinite().all()


def test_the_neighborhood_by_hand() -> None:
    near = neighborhood((2, 3))
    assert near.shape == (7, 7)
    assert near[0].abs().sum() == near[:, 0].abs().sum() == 0
    # Patches (0, 0) and (1, 2): exp(-(1 + 4) / 50).
    assert float(near[1, 6]) == pytest.approx(np.exp(-0.1))
    assert torch.equal(near.diagonal()[1:], torch.ones(6))


def test_a_watched_block_may_not_attend_to_averages(clip) -> None:
    with pytest.raises(ValueError, match="attends to averages here; choose another"):
        DenseEncoder(clip, "sfp", pooled_blocks=11)


def test_an_unknown_resize_names_the_known(clip) -> None:
    with pytest.raises(ValueError, match="size, scale-factor, antialias"):
        DenseEncoder(clip, position_resize="nearest")
