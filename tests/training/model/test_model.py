"""Dense features, decoder and the traceable segmenter, on the tiny CLIP with random weights."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.model.clip import encode_text, load_clip, tokenizer_for  # noqa: E402
from training.model.dense import DenseEncoder, resize_position_embedding  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.model.segmenter import TraceableSegmenter  # noqa: E402
from training.model.unit_length import normalize  # noqa: E402
from training.model.units import UnitSettings  # noqa: E402


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    return load_clip("mgca-tiny")


@pytest.fixture(scope="module")
def images():
    return torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_dense_tokens_average_to_the_image_embedding(clip, images):
    # The tower pools by averaging, so its own image embedding is the mean of the dense ones.
    dense = DenseEncoder(clip, "tokens")(images).embeddings_bdhw
    assert dense.shape == (2, 128, 12, 16)
    assert torch.allclose(dense.mean(dim=(2, 3)), clip.encode_image(images), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("mode", ["maskclip", "clearclip"])
def test_other_last_blocks_differ_and_have_the_same_shape(clip, images, mode):
    tokens = DenseEncoder(clip, "tokens")(images).embeddings_bdhw
    other = DenseEncoder(clip, mode)(images).embeddings_bdhw
    assert other.shape == tokens.shape
    assert (other - tokens).abs().max() > 0.1


@torch.no_grad()
def test_maskclip_by_hand(clip, images):
    encoder = DenseEncoder(clip, "maskclip")
    features = encoder(images)
    block = clip.visual.transformer.resblocks[-1]
    # The value path, taken from the fused weights: each token attends to itself alone.
    late = features.late_bchw[0, :, 3, 5]
    width = late.shape[0]
    normed = block.ln_1(late)
    value = block.attn.in_proj_weight[2 * width :] @ normed + block.attn.in_proj_bias[2 * width :]
    token = late + block.attn.out_proj(value)
    token = token + block.mlp(block.ln_2(token))
    expected = clip.visual.ln_post(token) @ clip.visual.proj
    assert torch.allclose(features.embeddings_bdhw[0, :, 3, 5], expected, atol=1e-4)


@torch.no_grad()
def test_averages_of_patches_that_are_alike_change_nothing(clip):
    """Four equal patches draw four times the attention of one: so does their average."""
    coarse = torch.randn(1, 3, 8, 10)
    images = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, :56]  # 7 x 10 patches
    visual = copy.deepcopy(clip.visual)
    encoder = DenseEncoder(SimpleNamespace(visual=visual), "tokens")
    encoder.visual.conv1 = torch.nn.Conv2d(3, encoder.width, 8, 8, bias=False)
    encoder.fixed_position_pc = torch.zeros(71, encoder.width)
    cells = images.clone()
    for row in range(0, 56, 16):
        for column in range(0, 80, 16):
            cell = cells[:, :, row : row + 16, column : column + 16]
            cell.copy_(cell[:, :, :8, :8].repeat(1, 1, cell.shape[2] // 8, cell.shape[3] // 8))
    plain = encoder(cells).embeddings_bdhw
    encoder.pooled_blocks = 99
    torch.testing.assert_close(encoder(cells).embeddings_bdhw, plain, atol=1e-5, rtol=1e-4)
    difference = encoder(images).embeddings_bdhw
    encoder.pooled_blocks = 0
    assert (encoder(images).embeddings_bdhw - difference).abs().max() > 1e-3


def test_unknown_mode_names_the_known(clip):
    with pytest.raises(
        ValueError, match="tokens, maskclip, clearclip, sclip, naclip, sc-clip, sfp"
    ):
        DenseEncoder(clip, "nonsense")


def test_size_that_the_patch_does_not_divide(clip):
    with pytest.raises(ValueError, match="100x96 pixels is not a multiple of the patch size 8"):
        DenseEncoder(clip)(torch.zeros(1, 3, 96, 100))


def test_position_embedding_keeps_its_own_size(clip):
    embedding = clip.visual.positional_embedding
    assert resize_position_embedding(embedding, (12, 16), (12, 16)) is embedding
    resized = resize_position_embedding(embedding, (12, 16), (18, 24))
    assert resized.shape == (1 + 18 * 24, embedding.shape[1])
    assert torch.equal(resized[0], embedding[0])


@torch.no_grad()
def test_an_untrained_decoder_passes_clip_through(clip, images):
    model = MgcaModel(clip, ModelConfig())
    assert torch.equal(model.pixel_embeddings(images), model.baseline_embeddings(images))


def test_only_the_decoder_learns(clip, images):
    model = MgcaModel(clip, ModelConfig()).train()
    model.pixel_embeddings(images)[:, 0].sum().backward()
    assert all(parameter.grad is None for parameter in clip.parameters())
    assert model.decoder.stage2.gate.grad.abs().sum() > 0
    assert not clip.training


@torch.no_grad()
def test_short_text_encodes_as_full_context(clip):
    tokens = tokenizer_for(clip)(["a car", "wow! a red bus!!! near a road", "!"])
    assert torch.allclose(encode_text(clip, tokens), clip.encode_text(tokens), atol=1e-5)


@torch.no_grad()
def test_text_is_centred_before_it_is_normalised(clip):
    model = MgcaModel(clip, ModelConfig())
    tokens = tokenizer_for(clip)(["a car", "a boat"])
    raw = normalize(encode_text(clip, tokens), dim=-1)
    model.text_center.copy_(raw.mean(0))
    text = model.encode_text(tokens)
    assert torch.allclose(text[0], -text[1], atol=1e-5)
    assert torch.allclose(text.norm(dim=1), torch.ones(2), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("size_wh", [(128, 96), (96, 64)])
def test_segmenter_shapes(clip, size_wh):
    model = MgcaModel(clip, ModelConfig()).eval()
    segmenter = TraceableSegmenter(model, size_wh, UnitSettings(seeds=12)).eval()
    frame = torch.randint(0, 255, (1, size_wh[1], size_wh[0], 3), dtype=torch.uint8)
    scores, unit_of_pixel, unit_scores, pixel_scores = segmenter(
        frame, normalize(torch.randn(5, 128), 1)
    )
    grid_wh = (size_wh[0] // 2, size_wh[1] // 2)
    assert segmenter.grid_wh == grid_wh
    assert scores.shape == pixel_scores.shape == (1, 5, grid_wh[1], grid_wh[0])
    assert unit_of_pixel.shape == (1, grid_wh[1], grid_wh[0])
    assert unit_of_pixel.dtype == torch.int32
    assert unit_of_pixel.max() < unit_scores.shape[0]
    assert scores.abs().max() <= 1.001
    model.encoder.fixed_position_pc = None


def test_segmenter_names_the_nearest_size(clip):
    model = MgcaModel(clip, ModelConfig())
    with pytest.raises(ValueError, match="nearest: 128x96"):
        TraceableSegmenter(model, (130, 97), UnitSettings())


@pytest.mark.parametrize(
    ("name", "pretrained", "words"),
    [
        ("ViT-Z-99", None, "not known to open_clip"),
        ("mgca-tiny", "no-such-tag", "neither a file nor a known tag"),
        ("RN50", None, "no plain ViT; expected"),
    ],
)
def test_clip_that_is_not_there(name, pretrained, words):
    with pytest.raises(UserError, match=words):
        load_clip(name, pretrained)


def test_weights_of_another_architecture(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"visual.proj": torch.zeros(3, 3)}, path)
    with pytest.raises(UserError, match="could not be loaded into mgca-tiny"):
        load_clip("mgca-tiny", str(path))
