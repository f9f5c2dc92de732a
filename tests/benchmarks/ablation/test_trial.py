"""The ablation's own objective, its gradient norms and predictions; the command as a process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.ablation.__main__ import main  # noqa: E402
from benchmarks.ablation.grounded import area_losses, flat_variation  # noqa: E402
from benchmarks.ablation.prediction import GRIDS, KINDS, View, predict  # noqa: E402
from benchmarks.ablation.rows import ROWS  # noqa: E402
from benchmarks.ablation.trial import configure, measure_gradients  # noqa: E402
from tests.support.processes import LIMIT_S  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import load_checkpoint  # noqa: E402
from training.model.unit_space import UnitSpace  # noqa: E402
from training.model.units import UnitSettings  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[3]
PHASE = {"steps": 20, "batch": 4}


def test_area_pulls_right_masks_to_the_prior_and_wrong_ones_to_nothing():
    own = torch.eye(2, dtype=torch.bool)
    # right masks 0.5 and 0.5 (0.1 above the prior of 0.4), wrong ones 0.2 and 0.4 (mean 0.3)
    area = torch.tensor([[0.5, 0.2], [0.4, 0.5]])
    assert float(area_losses(area, own)) == pytest.approx(0.4)


def test_variation_is_the_mean_step_in_both_directions():
    maps = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    assert float(flat_variation(maps)) == 1.0  # 1 across, 0 down
    assert float(flat_variation(torch.ones(1, 3, 3))) == 0.0


class Drawing(torch.nn.Module):
    """Two terms of known gradient; a forward pass draws from the generator, as MGCA's does."""

    def __init__(self, weights: torch.nn.Linear) -> None:
        super().__init__()
        self.weights = weights
        self.generator = torch.Generator().manual_seed(5)

    def forward(self, batch: object) -> dict[str, torch.Tensor]:
        torch.rand(3, generator=self.generator)
        first, second = self.weights.weight[0]
        return {"a": 3 * first, "b": 4 * second, "loss": 3 * first + 4 * second}


def test_gradient_norms_are_those_of_each_term_and_looking_changes_nothing():
    decoder = torch.nn.Linear(2, 1, bias=False)
    objective = Drawing(decoder)
    before = objective.generator.get_state()
    norms = measure_gradients(objective, decoder, None)  # type: ignore[arg-type]
    assert norms == pytest.approx({"a": 3.0, "b": 4.0, "loss": 5.0})
    assert torch.equal(objective.generator.get_state(), before)
    assert decoder.weight.grad is None


def test_a_pair_has_one_thing_changed_and_seeds_share_no_scene():
    rows = {row.name: row for row in ROWS}
    base = TrainConfig()
    first, second = (configure(base, rows[name], 1, PHASE, 0) for name in ("region", "pixel"))
    assert (first.seed, first.data, first.mgca) == (second.seed, second.data, second.mgca)
    assert first.losses.pixel_weight == 0.0
    assert second.losses.pixel_weight == base.losses.pixel_weight > 0
    assert first.losses.object_weight == second.losses.object_weight > 0
    other = configure(base, rows["region"], 2, PHASE, 0)
    assert other.data.first_seed - first.data.first_seed == PHASE["steps"] * PHASE["batch"]
    assert other.seed != first.seed


def _halves() -> View:
    """Left half says word 0, right half word 1, but for one noisy pixel on the left."""
    embeddings = torch.zeros(2, 8, 8)
    embeddings[0, :, :4] = 1.0
    embeddings[1, :, 4:] = 1.0
    embeddings[:, 3, 1] = torch.tensor([0.70, 0.714])
    return View(embeddings, torch.full((3, 8, 8), 0.5), torch.eye(2), UnitSettings(seeds=4))


def test_pixels_keep_noise_that_groups_and_units_take_away():
    view = _halves()
    settings = {
        "pixel": {"smoothing": 0.0},
        "groups": {"slots": 2, "color_weight": 0.0, "place_weight": 0.0},
        "adaptive": {"seeds": 4, "merge_cosine": 0.9},
    }
    labels = {kind: predict(kind, settings[kind], view).scores_hwk.argmax(2) for kind in KINDS}
    assert labels["pixel"][3, 1] == 1
    for kind in KINDS:
        assert (labels[kind][:, 4:] == 1).all()
        assert (labels[kind][5:, :4] == 0).all()
    assert labels["adaptive"][3, 1] == 0
    smooth = predict("pixel", {"smoothing": 1.0}, view).scores_hwk.argmax(2)
    assert smooth[3, 1] == 0


def test_groups_and_units_gather_in_the_same_space():
    """Halves differ by little along axis 0 and rows by much along axis 1, which the space drops."""
    embeddings = torch.zeros(3, 8, 8)
    embeddings[0, :, :4], embeddings[0, :, 4:] = -0.2, 0.2
    embeddings[1, ::2], embeddings[1, 1::2] = -0.6, 0.6
    embeddings[2] = 1.0
    embeddings = embeddings / embeddings.norm(dim=0)
    view = dataclasses.replace(_halves(), embeddings_dhw=embeddings, text_kd=torch.eye(3))
    space = UnitSpace(torch.zeros(3), torch.tensor([[1.0], [0.0], [0.0]]))
    settings = {
        "groups": {"slots": 2, "color_weight": 0.0, "place_weight": 0.0},
        "adaptive": {"seeds": 16},
    }
    halves = np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 8, axis=0)
    for kind, setting in settings.items():
        for seen, expected in ((view, False), (dataclasses.replace(view, space=space), True)):
            unit_hw = predict(kind, setting, seen).unit_hw
            split = (unit_hw == unit_hw[0, 7]).astype(int)
            assert (split == halves).all() == expected, kind


def test_every_unit_has_as_many_settings_to_choose_from():
    assert set(GRIDS) == set(KINDS)
    assert len({len(grid) for grid in GRIDS.values()}) == 1
    beside = [
        {(setting["color_weight"], setting["place_weight"]) for setting in GRIDS[kind]}
        for kind in ("groups", "adaptive")
    ]
    assert beside[0] == beside[1]


def test_groups_see_color_and_place_as_much_as_they_weigh():
    """Embeddings all alike: color parts left from right, place top from bottom."""
    alike = torch.ones(2, 8, 8) * 0.5**0.5
    colors = torch.zeros(3, 8, 8)
    colors[:, :, 4:] = 1.0
    view = dataclasses.replace(_halves(), embeddings_dhw=alike, colors_3hw=colors)
    by_color = predict("groups", {"slots": 2, "color_weight": 5.0, "place_weight": 0.1}, view)
    assert len(np.unique(by_color.unit_hw[:, :4])) == len(np.unique(by_color.unit_hw[:, 4:])) == 1
    assert by_color.unit_hw[0, 0] != by_color.unit_hw[0, 7]
    by_place = predict("groups", {"slots": 4, "color_weight": 0.0, "place_weight": 5.0}, view)
    assert by_place.unit_hw[0, 0] != by_place.unit_hw[7, 0]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.ablation", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
        timeout=LIMIT_S,
    )


def test_an_unknown_row_is_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["--rows", "baseline,objekt"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "objekt" in line


@pytest.mark.long
def test_the_command_trains_scores_and_goes_on_where_it_stopped(tmp_path: Path):
    tiny = [
        "--rows", "baseline,object,grounded", "--seeds", "2", "--steps", "2", "--batch", "4",
        "--set", "data.size_wh=[64,48]", "--set", "data.workers=0", "--scenes", "3",
        "--tuning-scenes", "2", "--size", "96x72", "--input-size", "64x48", "--threads", "1",
        "--work", tmp_path / "work", "--json", tmp_path / "a.json", "--markdown", tmp_path / "a.md",
    ]  # fmt: skip
    done = _run(*tiny)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "a.json").read_text())
    assert done.stdout == (tmp_path / "a.md").read_text()
    rows = record["datasets"]["streetworld"]["rows"]
    assert set(rows) == {"baseline", "object", "grounded"}
    assert len(rows["object"]["adaptive"]["miou"]["values"]) == 2
    assert len(rows["baseline"]["pixel"]["miou"]["values"]) == 1
    norms = record["training"]["object"]["gradient_norms"][-1]
    assert norms["step"] == 2
    assert norms["object"] > 0
    assert record["terms"]["object"].keys() == {"object", "area", "smooth"}

    (trained,) = (tmp_path / "work").glob("object-s0-*/last.pt")
    checkpoint = load_checkpoint(trained)
    assert checkpoint.unit_space is not None
    assert checkpoint.config.units.space_width == checkpoint.unit_space.projection_dr.shape[1]

    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.json")}
    lost = next((tmp_path / "work").glob("object-s1-*/streetworld-*.json"))
    lost.unlink()
    assert _run(*tiny).returncode == 0
    again = json.loads((tmp_path / "a.json").read_text())
    assert again["datasets"] == record["datasets"]
    changed = {path for path, time in kept.items() if path.stat().st_mtime_ns != time}
    assert changed == {lost}
