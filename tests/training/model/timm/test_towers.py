"""Towers of timm's against NumPy, and against what open_clip makes of a whole picture."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from runtime.errors import UserError  # noqa: E402
from tests.support import timm_clips  # noqa: E402
from tests.training.model.dense import plain_methods  # noqa: E402
from tests.training.model.dense.plain_tower import stretch  # noqa: E402
from tests.training.model.timm.plain_towers import PlainEva, PlainSiglip  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.dense import DenseEncoder, embed_patches  # noqa: E402
from training.model.dense.blocks import attend_and_transform  # noqa: E402
from training.model.timm import TimmTower  # noqa: E402

GRID = (timm_clips.GRID, timm_clips.GRID)


@pytest.fixture(scope="module", autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory) -> None:
    timm_clips.register(tmp_path_factory.mktemp("timm"))


@pytest.fixture(scope="module")
def eva(_registered):
    return timm_clips.build(timm_clips.EVA)


@pytest.fixture(scope="module")
def siglip(_registered):
    return timm_clips.build(timm_clips.SIGLIP)


def _image(size_hw: tuple[int, int]):
    return torch.randn(3, *size_hw, generator=torch.Generator().manual_seed(7))


def _weights(clip):
    return {name: value.double().numpy() for name, value in clip.visual.trunk.state_dict().items()}


def _grid(size_hw: tuple[int, int]) -> tuple[int, int]:
    return size_hw[0] // timm_clips.PATCH, size_hw[1] // timm_clips.PATCH


def _found(clip, mode: str, image):
    features = DenseEncoder(clip, mode)(image[None])
    return features.embeddings_bdhw[0].flatten(1).T.double().numpy()


@pytest.mark.parametrize("size_hw", [(96, 96), (64, 104)])
@pytest.mark.parametrize("mode", plain_methods.METHODS)
def test_eva_agrees_with_numpy(eva, mode: str, size_hw: tuple[int, int]) -> None:
    image, weights = _image(size_hw), _weights(eva)
    tower = PlainEva(weights, timm_clips.HEADS, timm_clips.PATCH, _grid(size_hw), reference=6)
    position = stretch(weights["pos_embed"][0], GRID, tower.grid_hw, "size")
    outputs, attention = tower.run(image.double().numpy(), position)
    expected = tower.embed(plain_methods.METHODS[mode](tower, outputs, attention))
    assert np.abs(expected).mean() > 0.1
    np.testing.assert_allclose(_found(eva, mode, image), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size_hw", [(32, 32), (64, 104)])
@pytest.mark.parametrize("mode", ["maskclip", "clearclip"])
def test_siglip_agrees_with_numpy(siglip, mode: str, size_hw: tuple[int, int]) -> None:
    image, weights = _image(size_hw), _weights(siglip)
    tower = PlainSiglip(weights, timm_clips.HEADS, timm_clips.PATCH, _grid(size_hw))
    before = np.concatenate([np.zeros((1, timm_clips.WIDTH)), weights["pos_embed"][0]])
    position = stretch(before, GRID, tower.grid_hw, "size")[1:]
    outputs, _ = tower.run(image.double().numpy(), position)
    tokens = outputs[-1]
    if mode == "clearclip":
        query, _, value = tower.split(-1, outputs[-2])
        logits = query @ query.swapaxes(1, 2) / np.sqrt(query.shape[2])
        raised = np.exp(logits - logits.max(-1, keepdims=True))
        tokens = tower.out(-1, raised / raised.sum(-1, keepdims=True) @ value)
    expected = tower.embed(tokens)
    assert np.abs(expected).mean() > 0.1
    np.testing.assert_allclose(_found(siglip, mode, image), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", [timm_clips.EVA_SHALLOW, timm_clips.SIGLIP, timm_clips.PE])
def test_all_blocks_as_they_are_make_what_timm_makes(name: str) -> None:
    clip, image = timm_clips.build(name), _image((32, 32))[None]
    encoder = DenseEncoder(clip)
    encoder.fix_size((32, 32))
    x = embed_patches(encoder.visual, image, encoder.fixed_position_pc)
    for block in encoder.visual.transformer.resblocks:
        x = attend_and_transform(block, x)
    expected = clip.visual.trunk.forward_features(image)
    torch.testing.assert_close(clip.visual.trunk.norm(x), expected, atol=1e-4, rtol=1e-4)
    if name == timm_clips.EVA_SHALLOW:
        found = encoder.visual.head(x)[:, 0]
        torch.testing.assert_close(found, clip.encode_image(image), atol=1e-4, rtol=1e-4)


def test_a_picture_of_one_patch_is_pooled_to_that_patch() -> None:
    """The head's query has nothing to choose: open_clip's image embedding is the patch's own."""
    clip, image = timm_clips.build(timm_clips.SIGLIP), _image((8, 8))[None]
    encoder = DenseEncoder(clip)
    encoder.fix_size((8, 8))
    found = encoder(image).embeddings_bdhw[:, :, 0, 0]
    clip.visual.trunk.set_input_size((8, 8))
    clip.visual.trunk.pos_embed.data = encoder.fixed_position_pc[None]
    torch.testing.assert_close(found, clip.encode_image(image), atol=1e-5, rtol=1e-4)


def test_each_tower_has_its_usual_method_and_shares_its_weights(siglip, eva) -> None:
    assert DenseEncoder(siglip).mode == "maskclip"
    assert DenseEncoder(eva).mode == "clearclip"
    tower = TimmTower(eva.visual)
    block, own = tower.transformer.resblocks[2], eva.visual.trunk.blocks[2]
    assert block.mlp is own.mlp
    assert tower.conv1 is eva.visual.trunk.patch_embed.proj


@pytest.mark.parametrize("mode", ["sc-clip", "sfp", "tokens"])
def test_what_a_tower_without_class_token_cannot_be_read_by(siglip, mode: str) -> None:
    with pytest.raises(ValueError, match=r"none; choose|choose that"):
        DenseEncoder(siglip, mode)


def test_training_reads_open_clips_own_towers() -> None:
    with pytest.raises(UserError, match="is timm's, which training does not read"):
        load_clip(timm_clips.EVA_SHALLOW)
    assert load_clip(timm_clips.EVA_SHALLOW, any_tower=True).visual.trunk is not None
