"""``--train-data`` with a table: chosen by its ending, refused before anything is written."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from tests.support.captioned import write_captioned, write_table  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.config.values import apply_overrides  # noqa: E402
from training.data.stream import PairStream  # noqa: E402
from training.run import main, train_data_overrides  # noqa: E402


@pytest.mark.parametrize(
    ("given", "source"), [("a/b.tsv", "captions"), ("a.CSV", "captions"), ("{0..3}.tar", "shards")]
)
def test_the_ending_chooses_and_replaces_the_other(given, source):
    config = TrainConfig()
    for value in ("x.tsv", "x.tar", given):
        config = apply_overrides(config, train_data_overrides(value))
    assert config.data.source == source and getattr(config.data, source) == given


def test_a_table_without_its_pictures_ends_with_2_and_writes_nothing(tmp_path, capsys):
    table = write_table(tmp_path, [("image", "caption"), ("a.jpg", "a dog")])
    runs = tmp_path / "runs"
    assert main(["--config", "smoke", "--train-data", table, "--runs", str(runs)]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "none of its 1 pictures is there" in said[0]
    assert not runs.exists()


@pytest.mark.slow
def test_a_run_on_a_table_with_stored_features(tmp_path, monkeypatch):
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(PairStream, "sample_scenes", 16)
    table = write_captioned(tmp_path, 12)
    (tmp_path / "images/3.png").unlink()
    settings = ["pretrain.steps=2", "pretrain.batch=8", "mgca.steps=2", "mgca.batch=4",
                "evaluation.scenes=2", "data.workers=0",
                "data.cache_features=2", "losses.tile_mixing=[[1,1],[1,1]]",
                "losses.noun_weight=0"]  # fmt: skip
    arguments = [part for setting in settings for part in ("--set", setting)]
    runs = tmp_path / "runs"
    given = ["--config", "smoke", "--train-data", table, "--runs", str(runs), *arguments]
    assert main(given) == 0
    (filled,) = (tmp_path / "cache/features").glob("*/filled.json")
    assert json.loads(filled.read_text()) == {"views": 22}
    lines = [json.loads(line) for line in (runs / "smoke/metrics.jsonl").read_text().splitlines()]
    data = [line["data"] for line in lines if "data" in line]
    assert [one["pairs"] for one in data] == [16, 8]
    assert all(one["passed_over"] == {"pictures that are not there": 1} for one in data)
