"""Another light for the pupil: within bounds, the same for tiles of a mosaic, repeatable."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training.config.run import PretrainConfig  # noqa: E402
from training.data.batches import Batch, normalize_images  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.pretrain.color_jitter import jitter_colors  # noqa: E402
from training.pretrain.mosaic import Mosaic  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402

PLAIN = PretrainConfig(noun_weight=0.0, tile_mixing=((1, 1), (1, 1)), patch_dropout=0.0)


def test_no_strength_changes_nothing():
    colors = torch.rand(3, 3, 4, 5)
    assert torch.allclose(jitter_colors(colors, 0.0, 1), colors, atol=1e-6)


def test_every_image_has_a_light_of_its_own_and_stays_an_image():
    colors = torch.rand(1, 3, 8, 8).expand(200, 3, 8, 8)
    found = jitter_colors(colors, 1.0, 1)
    assert found.shape == colors.shape
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    assert len({round(float(image.mean()), 5) for image in found}) > 190
    assert torch.equal(found, jitter_colors(colors, 1.0, 1))
    assert not torch.equal(found, jitter_colors(colors, 1.0, 2))
    # Some lighter, some darker; some with more color, some with less.
    for measure in (lambda x: x.mean((1, 2, 3)), lambda x: x.std(1).mean((1, 2))):
        more = (measure(found) > measure(colors)).float().mean()
        assert 0.25 < more < 0.75


def test_more_strength_goes_further():
    colors = torch.rand(100, 3, 4, 4)
    little, much = (float((jitter_colors(colors, s, 1) - colors).abs().mean()) for s in (0.2, 1.0))
    assert 0 < 3 * little < much


@pytest.mark.parametrize("count", [4, 6, 7])
def test_tiles_of_a_mosaic_are_in_one_jitter(count):
    colors = torch.rand(1, 3, 4, 4).expand(count, 3, 4, 4)
    found = jitter_colors(colors, 1.0, 1, together=2)
    assert found.shape[0] == count
    for index in range(count):
        same = torch.equal(found[index], found[index // 2 * 2])
        assert same
    assert not torch.equal(found[0], found[2])


def test_what_is_ordered_stays_ordered():
    ramp = torch.linspace(0.2, 0.6, 9).expand(50, 3, 1, 9)
    assert (jitter_colors(ramp, 1.0, 1).diff(dim=-1) >= 0).all()


def test_the_pupil_alone_sees_another_jitter():
    torch.manual_seed(0)
    clip = load_clip("mgca-tiny")
    tokens_jl = torch.zeros(4, 32, dtype=torch.int64)
    tokens_jl[:, :3] = torch.tensor([[49406, 320 + n, 49407] for n in range(4)])
    images = torch.randint(0, 256, (4, 96, 128, 3), dtype=torch.uint8)
    batch = Batch(images, tokens_jl, torch.arange(4))
    plain = ClipObjective(clip, PLAIN).eval()
    lit = ClipObjective(clip, dataclasses.replace(PLAIN, color_jitter=1.0)).eval()
    assert torch.equal(plain._jitter(images, None, 0), normalize_images(images))
    assert not torch.allclose(lit._jitter(images, None, 0), normalize_images(images), atol=0.01)
    together = lit._jitter(images[:1].expand(4, -1, -1, -1), Mosaic((2, 2)), 0)
    assert torch.equal(together[0], together[3])
    with torch.no_grad():
        assert float(lit(batch)["loss"]) == float(lit(batch)["loss"])
        assert float(lit(batch)["loss"]) != float(plain(batch)["loss"])
    assert torch.equal(batch.images_bhw3, images)


def test_a_negative_strength_is_refused():
    with pytest.raises(ValueError, match="color_jitter is -1"):
        PretrainConfig(color_jitter=-1)
