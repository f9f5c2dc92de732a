"""``mgca-rt words``: what a bundle knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.bundle import Bundle, load_bundle
from runtime.demo import DEMO_BUNDLE
from tests.support.bundle import color_vocabulary
from tests.support.processes import ENGINE, Run


def test_the_shipped_bundles_words(run_here: Run) -> None:
    done = run_here("words")
    manifest = load_bundle(DEMO_BUNDLE, verify=False).manifest
    words, _, notes = done.stdout.partition("\n\n")
    assert (done.returncode, done.stderr) == (0, "")
    listed = words.splitlines()
    assert {line.removesuffix(" *") for line in listed} == set(manifest.trained_words or ())
    starred = {line.removesuffix(" *") for line in listed if line.endswith(" *")}
    assert starred == set(manifest.background_words)
    assert "closed list of 134 words" in notes and "'we see {}'" in notes


def test_words_with_a_prefix_as_json(run_here: Run) -> None:
    record = json.loads(run_here("words", "CA", "--json").stdout)
    assert record["words"] == record["cached"] == ["car", "cars"]
    assert (record["open_vocabulary"], record["count"], record["nearest"]) == (False, 134, [])
    record = json.loads(run_here("words", "vans", "--json").stdout)
    assert (record["words"], record["nearest"]) == ([], ["car", "bus"])
    assert "no word begins with 'vans'; near it: car, bus\n" in run_here("words", "vans").stdout


def test_an_open_vocabulary_says_so(run_here: Run, make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(trained_words=None)
    done = run_here("words", "--bundle", bundle.path, "re")
    assert done.stdout.splitlines()[0] == "red"
    assert "open vocabulary: any word works; 6 are computed beforehand" in done.stdout
    record = json.loads(run_here("words", "--bundle", bundle.path, "--json").stdout)
    assert record["open_vocabulary"] is True
    assert record["cached"] == ["red", "green", "blue", "yellow", "crimson", "dark red"]


@pytest.mark.parametrize("trained", [None, ("red", "bus")])
def test_without_an_encoder_only_what_is_cached(
    run_here: Run, make_bundle: Callable[..., Bundle], trained: tuple[str, ...] | None
) -> None:
    vocabulary = color_vocabulary()
    words = replace(vocabulary, names=("red",), embeddings=vocabulary.embeddings[:1])
    none = {"text_encoder.onnx": None, "tokenizer.json": None}
    bundle = make_bundle(files=none, words=words, trained_words=trained, background_words=())
    done = run_here("words", "--bundle", bundle.path)
    assert done.stdout.startswith("red\n\ncolors: 1 word, and no text encoder for others\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "gone"], "bundle gone does not exist"),
        (["a", "b"], "unexpected argument 'b'"),
        (["--jsn"], "unknown flag --jsn; did you mean --json?"),
    ],
)
def test_wrong_arguments(run_here: Run, arguments: list[str], message: str) -> None:
    done = run_here("words", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_a_folder_that_is_no_bundle(run_here: Run, tmp_path: Path) -> None:
    assert run_here("words", "--bundle", tmp_path).returncode == 2


@pytest.mark.parametrize("typed", ["a car", "the car", "cars", "Car "])
def test_what_means_car_finds_what_car_finds(run_here: Run, clip: Path, typed: str) -> None:
    """The shipped bundle found 0.188 for "cars" and 0.144 for "a car" where "car" is 0.155."""
    areas = []
    for classes in ("car", typed, f"thing={typed}"):
        done = run_here(
            "--video", clip, "--max-frames", 1, *ENGINE, "--classes", classes, "--jsonl", "-"
        )
        assert done.returncode == 0, done.stderr
        areas.append(json.loads(done.stdout)["classes"][0]["area"])
    assert areas[0] == areas[1] == areas[2]
