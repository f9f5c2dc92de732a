"""The space that pixels gather into units in, on hand-made embeddings."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.engine.unit_space import measure_unit_space, view_images  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.model.unit_length import normalize  # noqa: E402
from training.model.unit_space import UnitSpace  # noqa: E402
from training.model.units import AdaptiveUnits, UnitSettings  # noqa: E402


def two_walls(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two surfaces, each of one color: they differ along axis 0, and each in itself, twice as
    much, along axis 1. Embeddings (3, 30, 30) of unit length and colors (3, 30, 30).
    """
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.zeros(3, 30, 30)
    embeddings[0, :, :15], embeddings[0, :, 15:] = -0.2, 0.2
    embeddings[1] = torch.randn(30, 30, generator=generator) * 0.4
    embeddings[2] = 1.0
    colors = torch.zeros(3, 30, 30)
    colors[0, :, 15:] = 1.0
    return normalize(embeddings, dim=0), colors


def measure(embeddings: torch.Tensor, colors: torch.Tensor, space_width: int) -> UnitSpace:
    views = [(embeddings[None], colors[None])]
    return measure_unit_space(views, width=len(embeddings), space_width=space_width)


def test_what_varies_within_a_surface_counts_for_little():
    embeddings, colors = two_walls()
    apart = measure(embeddings, colors, 1).projection_dr[:, 0].abs()
    assert apart[0] > 20 * apart[1]
    # Seen as one surface, nothing tells the walls from the noise any more.
    mixed = measure(embeddings, torch.zeros_like(colors), 3).projection_dr
    assert mixed.shape == (3, 3)
    assert measure(embeddings, torch.zeros_like(colors), 1).projection_dr[0, 0].abs() < apart[0]


def test_places_have_unit_length_and_a_centre():
    embeddings, colors = two_walls()
    space = measure(embeddings, colors, 2)
    rows = embeddings.flatten(1).T
    placed = space(rows)
    assert placed.shape == (900, 2)
    assert torch.allclose(placed.norm(dim=1), torch.ones(900), atol=1e-5)
    expected = normalize((rows - rows.mean(0)) @ space.projection_dr, dim=1)
    assert torch.allclose(placed, expected, atol=1e-4)


def test_units_gather_in_the_space_and_meet_the_text_as_they_are():
    embeddings, colors = two_walls()
    settings = UnitSettings(seeds=36, merge_cosine=0.99, color_weight=0.0)
    grey = torch.full_like(colors, 0.5)
    plain = AdaptiveUnits(settings)(embeddings, grey)
    placed = AdaptiveUnits(settings, measure(embeddings, colors, 1))(embeddings, grey)
    assert len(placed.unit_of_pixel_hw.unique()) == 2
    assert len(plain.unit_of_pixel_hw.unique()) != 2
    left, right = placed.embeddings_ud[placed.unit_of_pixel_hw.unique()]
    expected = [
        normalize(embeddings[:, :, half].sum((1, 2)), dim=0)
        for half in (slice(0, 15), slice(15, 30))
    ]
    assert torch.allclose(left, expected[0], atol=1e-3)
    assert torch.allclose(right, expected[1], atol=1e-3)


@pytest.mark.parametrize(
    "views",
    [[], [(torch.rand(1, 4, 8, 8), torch.rand(1, 3, 8, 8, generator=None) * 1e6)]],
    ids=["no image", "no two alike"],
)
def test_nothing_to_measure(views):
    with pytest.raises(ValueError, match="neighbours of one color"):
        measure_unit_space(views, width=4, space_width=2)


def test_images_are_seen_on_the_embeddings_grid():
    images = torch.randint(0, 255, (2, 24, 32, 3), dtype=torch.uint8)
    seen = list(view_images(lambda x: x[:, :, ::4, ::4], [images]))
    assert [tuple(part.shape) for part in seen[0]] == [(2, 3, 6, 8), (2, 3, 6, 8)]
    assert torch.allclose(seen[0][1][0, 0, 0, 0], images[0, :4, :4, 0].float().mean() / 255)


@pytest.mark.parametrize("half", [False, True], ids=["to go on", "shipped"])
def test_a_checkpoint_keeps_it_exactly(tmp_path, half):
    config = TrainConfig(name="space", model=ModelConfig(clip_name="mgca-tiny"))
    model = MgcaModel(load_clip("mgca-tiny"), config.model)
    space = UnitSpace(torch.rand(128), torch.rand(128, 8))
    place = tmp_path / "a.pt"
    save_checkpoint(
        place,
        Checkpoint(config=config, model=model, phase="mgca", step=1, unit_space=space),
        half=half,
    )
    found = load_checkpoint(place).unit_space
    assert found is not None
    assert torch.equal(found.center_d, space.center_d)
    assert torch.equal(found.projection_dr, space.projection_dr)
    save_checkpoint(place, Checkpoint(config=config, model=model, phase="mgca", step=1))
    assert load_checkpoint(place).unit_space is None
