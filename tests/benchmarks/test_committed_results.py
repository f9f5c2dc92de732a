"""The figures that stand in the repository are the shipped bundle's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import load_bundle
from runtime.demo import DEMO_BUNDLE

# What ``make results`` measures of the bundle.
MEASURED = (
    "streetworld",
    "streetworld_seed_2026",
    "streetworld_v1",
    "streetworld_600_scenes",
    "streetworld_mean_map",
    "streetworld_permuted_words",
    "demo_clip",
    "shipped_clip_person_car",
    "camvid",
    "camvid_51_101",
    "camvid_person_car",
    "flicker_camvid",
    "flicker_camvid_51_101",
    "flicker_demo_clip",
    "flicker_shipped_clip",
    "flicker_still_clip",
    "latency",
    "still_camvid",
    "still_clip",
    "still_clip_walked",
    "word_memory",
)


def read(repository: Path, name: str) -> dict[str, Any]:
    return json.loads((repository / "benchmarks" / "results" / f"{name}.json").read_text())


pytestmark = pytest.mark.lint


@pytest.mark.parametrize("name", MEASURED)
def test_the_bundle_measured_is_the_one_shipped(repository: Path, name: str) -> None:
    bundle = read(repository, name)["bundle"]
    shipped = load_bundle(DEMO_BUNDLE, verify=False)
    assert (bundle if isinstance(bundle, str) else bundle["id"]) == shipped.id, "make results"


def test_the_scenes_say_which_version_they_are(repository: Path) -> None:
    newest = "streetworld-v2"  # also of records from before there were versions
    assert read(repository, "streetworld").get("version", newest) == newest
    assert read(repository, "streetworld_v1")["version"] == "streetworld-v1"
    settings = [read(repository, name)["settings"] for name in ("streetworld", "streetworld_v1")]
    assert settings[0] == settings[1]


def test_the_graph_counted_is_the_one_shipped(repository: Path) -> None:
    record = read(repository, "graph_cost_demo")
    manifest = load_bundle(DEMO_BUNDLE, verify=False).manifest
    assert record["clip"] == manifest.clip.name
    assert tuple(record["size_wh"]) == manifest.input.size_wh
    assert record["units"] == dict(manifest.units)
