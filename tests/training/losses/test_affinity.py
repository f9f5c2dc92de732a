"""Which patches teach which, on images drawn by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.losses.affinity import patch_affinity  # noqa: E402


def image_of(columns: list[float]) -> torch.Tensor:
    """A grey image, one 8-pixel patch a column: (1, 3, 8, 8 * columns)."""
    grey = torch.tensor(columns).repeat_interleave(8)
    return grey.expand(1, 3, 8, -1).contiguous()


def test_patches_of_one_color_share_and_others_do_not():
    affinity = patch_affinity(image_of([0.1, 0.9, 0.1]), (1, 3), place_weight=0.0)
    assert affinity[0].tolist() == [
        pytest.approx([0.5, 0.0, 0.5], abs=1e-4),
        pytest.approx([0.0, 1.0, 0.0], abs=1e-4),
        pytest.approx([0.5, 0.0, 0.5], abs=1e-4),
    ]


def test_texture_parts_patches_of_one_mean():
    image = image_of([0.5, 0.5, 0.5])
    image[..., 8:16:2] = 0.0
    image[..., 9:16:2] = 1.0
    affinity = patch_affinity(image, (1, 3), place_weight=0.0)
    assert affinity[0, 0].tolist() == pytest.approx([0.5, 0.0, 0.5], abs=1e-4)


def test_place_favours_what_is_near():
    plain = patch_affinity(image_of([0.5] * 4), (1, 4), place_weight=0.0)
    near = patch_affinity(image_of([0.5] * 4), (1, 4), place_weight=0.3)
    assert plain[0, 0].tolist() == pytest.approx([0.25] * 4)
    assert near[0, 0].tolist() == sorted(near[0, 0].tolist(), reverse=True)


def test_kept_patches_are_those_of_the_whole():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 16, 24)
    kept = torch.tensor([0, 2, 5])
    whole = patch_affinity(images, (2, 3))
    some = patch_affinity(images, (2, 3), kept)
    expected = whole[:, kept][:, :, kept]
    assert torch.allclose(some, expected / expected.sum(-1, keepdim=True), atol=1e-6)


def test_contrast_tells_a_thin_pole_from_what_is_behind_it():
    image = image_of([0.5, 0.5, 0.5])
    image[..., 11] = 0.4  # one column of eight, a little darker
    image[..., 21] = 0.4
    shares = [
        patch_affinity(image, (1, 3), contrast_weight=weight, place_weight=0.0)[0, 1].tolist()
        for weight in (0.0, 1.0, 4.0)
    ]
    background = [share[0] for share in shares]
    assert background == sorted(background, reverse=True)
    assert background[2] < 0.01 < 0.2 < background[1]
    assert shares[2][2] == pytest.approx(shares[2][1])
