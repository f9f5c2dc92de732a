"""Recall on hand-made scores, pooling by the formulas, and the whole command in small."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.retrieval.__main__ import main
from benchmarks.retrieval.captions import read_captions
from benchmarks.retrieval.matching import embed_captions, score_pairs
from benchmarks.retrieval.pooling import POOLS, PoolSettings, pool_object
from benchmarks.retrieval.recall import (
    chance,
    describe_recall,
    ranks_of_captions,
    ranks_of_images,
)
from runtime import Segmenter
from runtime.bundle import TEXT_ENCODER_FILE, Bundle
from runtime.errors import UserError
from runtime.text.queries import TextQueries

OWNER = np.array([0, 0, 1])
SETTINGS = PoolSettings(temperature=0.5, top=0.5)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three plain photographs, two captions each, one of them in another split."""
    lines = ["image\tsplit\tcaption"]
    for name, split, color_bgr in (
        ("red", "dev", (0, 0, 255)),
        ("green", "dev", (0, 255, 0)),
        ("blue", "test", (255, 0, 0)),
    ):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((6, 8, 3), color_bgr, np.uint8))
        lines += [f'{name}.png\t{split}\tA "{name}" thing .', f"{name}.png\t{split}\t{name}"]
    path = tmp_path / "captions.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ranks_by_hand_and_ties_find_nothing() -> None:
    scores_cp = np.array([[0.9, 0.1], [0.2, 0.3], [0.5, 0.5]], np.float32)
    assert ranks_of_images(scores_cp, OWNER).tolist() == [1, 2, 2]
    # Photograph 0: 0.9 is the best of all. Photograph 1: 0.5 is.
    assert ranks_of_captions(scores_cp, OWNER).tolist() == [1, 1]
    flat = np.zeros((3, 2), np.float32)
    assert ranks_of_images(flat, OWNER).tolist() == [2, 2, 2]
    assert ranks_of_captions(flat, OWNER).tolist() == [2, 3]


def test_recall_is_the_share_of_ranks_and_lies_in_its_interval() -> None:
    draw = np.random.default_rng(0)
    owner = np.repeat(np.arange(30), 5)
    scores_cp = draw.random((150, 30)) + 0.4 * (owner[:, None] == np.arange(30))
    found = describe_recall(scores_cp, owner)["text_to_image"]
    ranks = ranks_of_images(scores_cp, owner)
    assert found["r5"] == np.mean(ranks <= 5)
    assert found["median_rank"] == np.median(ranks)
    low, high = found["r5_ci95"]
    assert low < found["r5"] < high
    assert found["r1"] < found["r5"] < found["r10"]


def test_chance_by_counting() -> None:
    found = chance(np.array([0, 0, 1, 2]))
    assert found["text_to_image"]["r1"] == pytest.approx(1 / 3)
    assert found["text_to_image"]["r5"] == 1
    # One of four drawn: 2/4, 1/4 and 1/4.
    assert found["image_to_text"]["r1"] == pytest.approx(1 / 3)
    assert found["image_to_text"]["r5"] == 1


def test_pools_by_their_formulas() -> None:
    scores_kn = np.array([[0.1, 0.9, 0.5, 0.3], [-0.2, -0.2, -0.2, -0.2]], np.float32)
    s = scores_kn[0].astype(np.float64)
    soft, lifted = np.exp(s / 0.5), 1 / (1 + np.exp(-(s - s.mean()) / 0.5))
    expected = {
        "softmax": (s * soft).sum() / soft.sum(),
        "sigmoid": (s * lifted).sum() / lifted.sum(),
        "mean": 0.45,
        "top": 0.7,
        "max": 0.9,
    }
    assert set(expected) == set(POOLS)
    for name, value in expected.items():
        pooled = POOLS[name](scores_kn, SETTINGS)
        assert pooled == pytest.approx([value, -0.2], abs=1e-6), name


def test_a_very_cold_pool_stays_finite() -> None:
    scores_kn = np.array([[-1.0, 1.0, 0.9]], np.float32)
    for name in ("softmax", "sigmoid"):
        pooled = POOLS[name](scores_kn, PoolSettings(1e-4, 0.1))
        assert pooled == pytest.approx([1.0 if name == "softmax" else 0.95], abs=1e-5)


def test_pairs_score_as_the_graph_does_with_captions_for_words(
    bundle: Bundle, table: Path, tmp_path: Path
) -> None:
    pool = read_captions(table)
    picture = np.random.default_rng(3).integers(0, 255, (6, 8, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "mixed.png"), picture)
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        text_kd = embed_captions(segmenter, pool.captions)
        assert np.linalg.norm(text_kd, axis=1) == pytest.approx(1)
        queries = TextQueries(pool.captions, (), pool.captions, text_kd, np.zeros(6, np.uint8))
        raw = segmenter.model.score(segmenter.preprocess(picture), queries, "both")
        for units, direct in (("pixel", raw.pixel_scores), ("adaptive", raw.class_scores)):
            images = [tmp_path / "mixed.png"]
            found = score_pairs(segmenter, images, text_kd, units, ("mean", "max"), SETTINGS)
            flat = np.asarray(direct).reshape(6, -1)
            assert found["mean"][:, 0] == pytest.approx(flat.mean(axis=1), abs=1e-5)
            assert found["max"][:, 0] == pytest.approx(flat.max(axis=1), abs=1e-5)


def test_captions_are_encoded_as_they_stand(bundle: Bundle) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        from runtime.text.encoder import TextEncoder

        encoder = TextEncoder(bundle)
        (row,) = encoder.encode(["a car on a road"])
        encoder.close()
        (found,) = embed_captions(segmenter, ["a car on a road"])
    assert found == pytest.approx(row / np.linalg.norm(row), abs=1e-6)


def test_splits_limits_and_quotes(table: Path) -> None:
    assert len(read_captions(table).captions) == 6
    dev = read_captions(table, "dev")
    assert [path.name for path in dev.images] == ["red.png", "green.png"]
    assert dev.captions[0] == 'A "red" thing .'
    assert dev.owner.tolist() == [0, 0, 1, 1]
    assert read_captions(table, limit=1).owner.tolist() == [0, 0]


def test_what_is_no_pool_is_refused(table: Path) -> None:
    with pytest.raises(UserError, match="has no split 'val'; expected one of dev, test"):
        read_captions(table, "val")
    (table.parent / "red.png").unlink()
    with pytest.raises(UserError, match=r"red\.png is not there, though captions\.tsv"):
        read_captions(table)
    table.write_text("image\tcaption\ngreen.png\t  \n")
    with pytest.raises(UserError, match=r"an empty caption of green\.png"):
        read_captions(table)
    with pytest.raises(UserError, match="no column split"):
        read_captions(table, "dev")
    with pytest.raises(UserError, match="no captions at"):
        read_captions(table.parent / "none.tsv")


def test_the_command(
    bundle: Bundle, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "retrieval.json"
    flags = ["--bundle", str(bundle.path), "--captions", str(table), "--json", str(target)]
    assert main([*flags, "--backend", "onnxruntime-cpu", "--pool", "mean,top", "--top", "1"]) == 0
    record = json.loads(target.read_text())
    assert (record["photographs"], record["captions"], record["pool"]) == (3, 6, "mean")
    assert record["by_pool"]["mean"] == record["by_pool"]["top"]  # of all places
    assert record["text_to_image"]["r5"] == 1
    assert record["settings"]["temperature"] == 0.1  # 1 / 10
    assert "text to image, R@5" in capsys.readouterr().out


def test_a_bundle_without_text_encoder_is_refused(make_bundle, table: Path, capsys) -> None:
    plain = make_bundle("plain", {TEXT_ENCODER_FILE: None})
    flags = ["--bundle", str(plain.path), "--captions", str(table), "--backend", "onnxruntime-cpu"]
    assert main(flags) == 2
    assert "has no text encoder, which captions need" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--captions", "/nowhere.tsv"], "no captions at /nowhere.tsv"),
        (["--pool", "median"], "unknown 'median'"),
        (["--temperature", "0"], "--temperature"),
        (["--top", "1.5"], "--top"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_object_pooling_averages_embeddings_under_the_mask():
    # Two places that the caption's mask holds, one that it does not; temperature near zero.
    embeddings_dn = np.float32([[1, 0.6, 0], [0, 0.8, 1]])
    text_kd = np.float32([[1, 0]])
    pooled_k = pool_object(text_kd @ embeddings_dn, embeddings_dn, PoolSettings(1e-3, 0.1))
    assert pooled_k == pytest.approx([1.6 / np.hypot(1.6, 0.8)], abs=1e-5)
