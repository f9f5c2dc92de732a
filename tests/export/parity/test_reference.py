"""The eager reference: by hand, and against the module that is traced."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export.parity.reference import ReferenceSegmenter, labels_at_source  # noqa: E402
from export.parity.reference_units import gather_units, merge_alike, nearest_divisor, seed_cells  # noqa: E402
from tests.support.random_checkpoint import randomise  # noqa: E402
from training.model.clip import IMAGE_MEAN, IMAGE_STD, load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.model.pamr import PamrSettings  # noqa: E402
from training.model.segmenter import TraceableSegmenter  # noqa: E402
from training.model.unit_space import UnitSpace  # noqa: E402
from training.model.units import AdaptiveUnits, UnitSettings, seed_grid  # noqa: E402


@pytest.mark.parametrize(
    ("dense", "size_wh", "pooled_blocks"),
    [
        ("tokens", (96, 64), 0),
        ("maskclip", (96, 64), 0),
        ("clearclip", (96, 64), 0),
        ("clearclip", (128, 96), 0),  # the native size: position embeddings as they are
        ("tokens", (96, 64), 99),  # all blocks, the last one too
        ("tokens", (72, 56), 2),  # cells that the grid of 9 x 7 patches cuts off
        ("clearclip", (72, 56), 99),
        ("sclip", (96, 64), 0),
        ("naclip", (96, 64), 0),
        ("sc-clip", (96, 64), 0),
        ("sfp", (96, 64), 0),
    ],
)
@torch.no_grad()
def test_agrees_with_the_traced_module(
    dense: str, size_wh: tuple[int, int], pooled_blocks: int
) -> None:
    torch.manual_seed(1)
    config = ModelConfig(dense=dense, pooled_blocks=pooled_blocks)
    model = MgcaModel(load_clip("mgca-tiny"), config).eval()
    randomise(model)
    settings = UnitSettings()
    traced = TraceableSegmenter(model, size_wh, settings).eval()
    reference = ReferenceSegmenter(
        model.clip.visual,
        dict(model.decoder.named_parameters()),
        dense=dense,
        early_block=model.encoder.early_block,
        pooled_blocks=pooled_blocks,
        units=asdict(settings),
        mean=IMAGE_MEAN,
        std=IMAGE_STD,
    )
    frame = np.random.default_rng(0).integers(0, 255, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    frame[:, : size_wh[0] // 2] //= 4
    text = torch.nn.functional.normalize(torch.randn(5, 128), dim=1)
    scores, unit_of_pixel, unit_scores, pixel_scores = traced(torch.from_numpy(frame)[None], text)
    expected = reference(frame, text.numpy())
    torch.testing.assert_close(pixel_scores[0], expected.pixel_scores, atol=1e-5, rtol=0)
    torch.testing.assert_close(scores[0], expected.class_scores, atol=1e-4, rtol=0)
    torch.testing.assert_close(unit_scores, expected.unit_scores, atol=1e-4, rtol=0)
    assert (unit_of_pixel[0] == expected.unit_of_pixel).float().mean() > 0.999


@pytest.mark.parametrize("pamr", [PamrSettings(dilations=(1, 4)), PamrSettings(rounds=0)])
@torch.no_grad()
def test_agrees_with_the_traced_module_where_colors_refine_in_the_place_of_units(
    pamr: PamrSettings,
) -> None:
    torch.manual_seed(1)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig()).eval()
    randomise(model)
    traced = TraceableSegmenter(model, (96, 64), UnitSettings(), pamr=pamr).eval()
    reference = ReferenceSegmenter(
        model.clip.visual,
        dict(model.decoder.named_parameters()),
        dense=model.encoder.mode,
        early_block=model.encoder.early_block,
        units={"refine": "pamr" if pamr.rounds else "none", **asdict(pamr)},
        mean=IMAGE_MEAN,
        std=IMAGE_STD,
    )
    frame = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    text = torch.nn.functional.normalize(torch.randn(5, 128), dim=1)
    found = traced(torch.from_numpy(frame)[None], text)
    expected = reference(frame, text.numpy())
    torch.testing.assert_close(found[0][0], expected.class_scores, atol=1e-5, rtol=0)
    torch.testing.assert_close(found[2], expected.unit_scores, atol=1e-5, rtol=0)
    assert found[1].dtype == torch.int32
    assert found[1].shape == (1, *expected.unit_of_pixel.shape)
    assert not found[1].any()
    assert bool(torch.equal(found[0], found[3])) == (pamr.rounds == 0)


def test_two_halves_become_two_units() -> None:
    pixels = torch.zeros(2, 4, 8)
    pixels[0, :, :4] = 1.0
    pixels[1, :, 4:] = 1.0
    settings = {
        "seeds": 8,
        "second_seeds": 0.0,
        "rounds": 2,
        "embedding_weight": 1.0,
        "color_weight": 0.0,
        "place_weight": 0.1,
        "sharpness": 40.0,
        "merge_cosine": 0.9,
        "merge_spread": 0.0,
        "merge_rounds": 1,
    }
    embeddings, shares = gather_units(pixels, torch.zeros(3, 4, 8), settings)
    used = shares.flatten(1).sum(dim=1) > 0
    assert int(used.sum()) == 2
    torch.testing.assert_close(shares.sum(dim=0), torch.ones(4, 8))
    left, right = embeddings[used]
    torch.testing.assert_close(left, torch.tensor([1.0, 0.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(right, torch.tensor([0.0, 1.0]), atol=1e-4, rtol=0)
    slot = shares.argmax(dim=0)
    assert slot[:, :4].unique().numel() == slot[:, 4:].unique().numel() == 1


@pytest.mark.parametrize("common", [0.5, 3.0])
def test_units_merge_by_the_spread_of_the_image(common: float) -> None:
    """Whatever all pixels have in common, traced and reference find the same units."""
    generator = torch.Generator().manual_seed(4)
    pixels = torch.nn.functional.avg_pool2d(torch.randn(6, 12, 16, generator=generator), 3, 1, 1)
    pixels = pixels + common
    pixels = pixels / pixels.norm(dim=0)
    colors = torch.rand(3, 12, 16, generator=generator)
    settings = UnitSettings(seeds=12, sharpness=4000.0, merge_spread=0.5, merge_rounds=2)
    embeddings, shares = gather_units(pixels, colors, asdict(settings))
    traced = AdaptiveUnits(settings)(pixels, colors)
    torch.testing.assert_close(traced.embeddings_ud, embeddings, atol=1e-4, rtol=0)
    assert torch.equal(traced.unit_of_pixel_hw, shares.argmax(dim=0))
    assert 1 < len(traced.slot_of_u.unique()) < 12


@pytest.mark.parametrize(("merge_rounds", "expected"), [(1, 2), (2, 1), (3, 1)])
def test_merged_units_merge_again(merge_rounds: int, expected: int) -> None:
    """Two units at 10 degrees on either side of an axis; a third, 20 degrees off it, is like
    their mean only.
    """
    near, far = np.deg2rad(10.0), np.deg2rad(20.0)
    left, right = ([np.cos(near), sign * np.sin(near), 0.0] for sign in (1, -1))
    columns = [left] * 2 + [right] * 2 + [[np.cos(far), 0.0, np.sin(far)]] * 4
    pixels = torch.tensor(columns, dtype=torch.float32).T.unsqueeze(1).expand(3, 8, 8)
    settings = UnitSettings(
        seeds=16, sharpness=4000.0, merge_cosine=0.93, merge_rounds=merge_rounds
    )
    grey = torch.zeros(3, 8, 8)
    embeddings, shares = gather_units(pixels, grey, asdict(settings))
    assert int((shares.flatten(1).sum(dim=1) > 0).sum()) == expected
    traced = AdaptiveUnits(settings)(pixels, grey)
    torch.testing.assert_close(traced.embeddings_ud, embeddings, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("space_width", "second_seeds", "merge_spread"),
    [(2, 0.0, 0.0), (6, 0.0, 0.0), (6, 3.0, 0.0), (6, 0.0, 0.2)],
)
def test_units_gather_alike_in_a_space_of_their_own(
    space_width: int, second_seeds: float, merge_spread: float
) -> None:
    generator = torch.Generator().manual_seed(space_width)
    pixels = torch.randn(6, 12, 16, generator=generator)
    pixels = torch.nn.functional.avg_pool2d(pixels, 3, 1, 1) + 0.5
    pixels = pixels / pixels.norm(dim=0)
    colors = torch.rand(3, 12, 16, generator=generator)
    space = UnitSpace(pixels.mean((1, 2)), torch.randn(6, space_width, generator=generator))
    settings = UnitSettings(
        seeds=12,
        second_seeds=second_seeds,
        embedding_weight=0.7,
        merge_cosine=0.9,
        merge_spread=merge_spread,
        merge_rounds=2,
    )
    embeddings, shares = gather_units(
        pixels, colors, asdict(settings), (space.center_d, space.projection_dr)
    )
    traced = AdaptiveUnits(settings, space)(pixels, colors)
    torch.testing.assert_close(traced.embeddings_ud, embeddings, atol=1e-4, rtol=0)
    assert torch.equal(traced.unit_of_pixel_hw, shares.argmax(dim=0))
    elsewhere, _ = gather_units(pixels, colors, asdict(settings))
    assert not torch.allclose(elsewhere, embeddings, atol=1e-2)


def test_merging_takes_two_hops() -> None:
    angles = torch.tensor([0.0, 0.4, 0.8, 3.0])
    means = list(torch.stack([angles.cos(), angles.sin()], dim=1))
    # 1 is like 0, 2 is like 1 (not like 0), 3 is like nobody.
    assert merge_alike(means, 0.9) == [0, 0, 0, 3]


def test_seed_cells_cover_the_grid_once() -> None:
    covered = np.zeros((12, 20), int)
    cells = seed_cells(12, 20, 15)
    for rows, columns in cells:
        covered[rows, columns] += 1
    assert (covered == 1).all()
    assert len(cells) == 15
    assert nearest_divisor(12, 5.0) == 6


@pytest.mark.parametrize("seeds", [48, 64, 192, 216, 288, 300])
def test_seeds_lie_where_the_traced_module_has_them(seeds: int) -> None:
    # 288: 12 rows are as far from the wanted 14.7 as 18 are.
    rows, columns = seed_grid((72, 96), seeds)
    cells = seed_cells(72, 96, seeds)
    assert len(cells) == rows * columns
    assert cells[0] == (slice(0, 72 // rows), slice(0, 96 // columns))


def test_labels_are_enlarged_before_the_best_is_taken() -> None:
    scores = torch.tensor([[[0.0, 1.0]], [[0.4, 0.4]]])
    # Half-pixel centres: the first word's score runs 0, 0.25, 0.75, 1.
    assert labels_at_source(scores, (1, 4)).tolist() == [[1, 1, 0, 0]]
