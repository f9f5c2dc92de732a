"""The recipe of the shipped architecture: what it builds, and all its legs once, in small."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import training  # noqa: E402
from training.config.legs import enter, follow  # noqa: E402
from training.engine.checkpoint import load_checkpoint  # noqa: E402
from training.recipes.registry import find_config  # noqa: E402
from training.run import main  # noqa: E402

SMALL = [
    *("--set", "model.clip_name=mgca-tiny", "--set", "model.early_block=1"),
    *("--set", "data.workers=0", "--set", "data.passes=1", "--set", "threads=1"),
    *("--set", "pretrain.warmup=1", "--set", "mgca.steps=1"),
    *("--set", "pretrain.batch=9", "--set", "pretrain.captions=1", "--set", "mgca.batch=2"),
    *("--set", "legs.mgca.data.size_wh=[64,48]", "--set", "evaluation.size_wh=[64,48]"),
    *("--set", "evaluation.scenes=1", "--set", "evaluation.every=0", "--set", "units.seeds=16"),
    *("--set", "legs.pieces.pretrain.steps=2", "--set", "legs.mosaic.pretrain.steps=2"),
]
FIRST_TWO = [
    *("--set", "legs.singles.pretrain.steps=1", "--set", "legs.mixed.pretrain.steps=2"),
]
NOT_FIRST_TWO = [
    *("--set", "legs.singles.pretrain.steps=0", "--set", "legs.mixed.pretrain.steps=0"),
]


def legs_of(config):
    leg = enter(config)
    while leg is not None:
        yield leg
        leg = follow(leg)


def test_the_recipe_builds_the_architecture_that_is_shipped():
    shipped = load_checkpoint(Path(training.__file__).parent / "assets/demo.pt").config
    *_, last = legs_of(find_config("demo"))
    # What is shipped is narrowed afterwards, and pools its keys (make demo-assets).
    finished = dataclasses.replace(last.model, clip_name="mgca-narrow", pooled_blocks=6)
    assert finished == shipped.model
    assert last.units == shipped.units
    assert last.export_size_wh == shipped.export_size_wh


def test_legs_are_few_and_no_scene_comes_in_two():
    legs = list(legs_of(find_config("demo")))
    assert len(legs) <= 5
    bounds = [leg.data.first_seed for leg in legs]
    assert bounds == sorted(set(bounds))
    mosaic = next(leg for leg in legs if leg.legs[0].name == "mosaic")
    assert mosaic.pretrain.mosaic == (3, 3) and mosaic.data.first_seed % 9 == 0


@pytest.mark.slow
def test_all_legs_in_one_go_or_with_a_stop_in_the_third(tmp_path, few_scenes):
    runs = ["--runs", str(tmp_path)]
    assert main([*runs, *SMALL, *FIRST_TWO, "--set", "name=whole"]) == 0
    whole = load_checkpoint(tmp_path / "whole/last.pt")
    assert (whole.phase, whole.step, len(whole.config.legs)) == ("mgca", 1, 1)
    lines = [json.loads(x) for x in (tmp_path / "whole/metrics.jsonl").read_text().splitlines()]
    losses = [(line["leg"], line["step"]) for line in lines if "loss" in line]
    assert losses == [("singles", 1), ("mixed", 3), ("pieces", 5), ("mosaic", 7), ("mgca", 1)]
    assert sum("evaluation" in line for line in lines) == 5

    short = [*runs, *SMALL, *NOT_FIRST_TWO]
    assert main([*short, "--set", "name=broken", "--until", "1"]) == 0
    stopped = load_checkpoint(tmp_path / "broken/last.pt", to_resume=True)
    assert stopped.config.legs[0].name == "pieces" and stopped.step == 1
    assert stopped.ema is not None and stopped.config.data.variant == "pieces"
    assert main([*short, "--set", "name=unbroken"]) == 0
    assert main([*runs, "--resume", str(tmp_path / "broken/last.pt")]) == 0
    expected = load_checkpoint(tmp_path / "unbroken/last.pt").model.state_dict()
    for name, value in load_checkpoint(tmp_path / "broken/last.pt").model.state_dict().items():
        assert torch.allclose(value, expected[name], atol=1e-5), name


@pytest.fixture
def shard(tmp_path):
    """Twelve pictures of two colored halves, with captions that name both."""
    colors = {"wall": (40, 40, 200), "sea": (200, 60, 30), "lawn": (40, 180, 60)}
    path = tmp_path / "pairs.tar"
    with tarfile.open(path, "w") as archive:
        for index in range(12):
            above, below = list(colors)[index % 3], list(colors)[(index // 3 + index + 1) % 3]
            image = np.full((48, 64, 3), colors[above], np.uint8)
            image[24:] = colors[below]
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            caption = f"a photo of a {above} and a {below}".encode()
            for name, data in ((f"{index}.jpg", jpeg), (f"{index}.txt", caption)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.slow
def test_pieces_and_mosaics_are_learned_from_shards_too(tmp_path, few_scenes, shard):
    runs = ["--runs", str(tmp_path), *SMALL, *NOT_FIRST_TWO, "--train-data", str(shard)]
    assert main([*runs, "--set", "checkpoint_every=1"]) == 0
    lines = [json.loads(x) for x in (tmp_path / "demo/metrics.jsonl").read_text().splitlines()]
    losses = {line["leg"]: line for line in lines if "loss" in line}
    assert sorted(losses) == ["mgca", "mosaic", "pieces"]
    # Nouns were found in the captions, and patches were taught which of them they show.
    assert all(losses[leg]["cover"] > 0 for leg in losses)
    assert load_checkpoint(tmp_path / "demo/last.pt").config.data.shards == str(shard)
    # What was read stands in the record with each checkpoint: nine of the twelve pairs a step.
    read = [line["data"] for line in lines if "data" in line and line["leg"] == "pieces"]
    assert [(one["pairs"], one["epochs"]) for one in read] == [
        (9, {"whole": 0, "sizes": [], "begun": 9}),
        (18, {"whole": 1, "sizes": [12], "begun": 6}),
    ]
