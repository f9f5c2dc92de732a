"""The picture is drawn of the record alone."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from benchmarks.frame_time.picture import COLORS, WIDTH, draw
from benchmarks.frame_time.rounds import PARTS
from runtime.bundle import load_bundle
from runtime.demo import DEMO_BUNDLE

SVG = "{http://www.w3.org/2000/svg}"


def bundle_of(name: str, encoder_ms: float) -> dict[str, Any]:
    taken = dict.fromkeys(PARTS, 1.0) | {"encoder": encoder_ms}
    return {
        "name": name,
        "id": "model@1",
        "precision": "fp32",
        "input_size_wh": [32, 16],
        "backend": "onnxruntime-cpu",
        "parts": {part: {"cpu_ms": ms, "wall_ms": 2 * ms} for part, ms in taken.items()},
        "total": {"cpu_ms": encoder_ms + 5, "wall_ms": 2 * encoder_ms + 10},
        "share_of_fp32_rate": {"encoder": 0.5},
        "products_at_fp32_rate_ms": encoder_ms / 2,
    }


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "bundles": [bundle_of("<before>", 95.0), bundle_of("now", 45.0)],
        "clock": "cpu_ms",
        "matrix_rate": {"fp32": {"gflops": 80.0}},
        "threads": 1,
        "source_size_wh": [64, 48],
        "machine": {"steady": True},
        "hardware": {"cpu": "A & B"},
    }


def widths(picture: str, fill: str) -> list[float]:
    """Of the segments of one color; the squares of the table are 13 wide."""
    found = (one for one in ET.fromstring(picture).iter(f"{SVG}rect") if one.get("fill") == fill)
    return [float(one.attrib["width"]) for one in found if one.get("width") != "13.00"]


def texts(picture: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(picture).iter(f"{SVG}text")]


def test_segments_are_as_long_as_their_times(record: dict[str, Any]) -> None:
    picture = draw(record)
    longest = sum(widths(picture, fill)[0] for fill, _ in COLORS.values())
    assert longest == pytest.approx(WIDTH - 48, abs=0.1)
    before, now = widths(picture, COLORS["encoder"][0])
    assert before == pytest.approx(0.95 * longest, abs=0.1)
    assert now == pytest.approx(0.45 * longest, abs=0.1)


def test_its_numbers_are_those_of_the_record(record: dict[str, Any]) -> None:
    said = texts(draw(record))
    assert "95.0" in said and "95.0 ms, 95.0%, at 50% of the fp32 rate" in said
    assert "100.0 ms (200.0 on the clock)" in said
    assert "<before>: model@1, fp32, 32x16" in said and said[0].endswith("one thread, A & B")


def test_a_busy_machine_s_clock_is_left_out(record: dict[str, Any]) -> None:
    record["machine"]["steady"] = False
    assert "on the clock" not in draw(record)
    record["clock"] = "wall_ms"
    assert "190.0 ms, 95.0%" in draw(record)


def test_without_a_rate_there_is_no_limit(record: dict[str, Any]) -> None:
    for one in record["bundles"]:
        del one["share_of_fp32_rate"], one["products_at_fp32_rate_ms"]
    assert "rate" not in " ".join(texts(draw(record | {"matrix_rate": None})))


@pytest.mark.lint
def test_the_committed_picture_is_the_drawn_one(repository: Path) -> None:
    record = json.loads((repository / "benchmarks/results/frame_time.json").read_text())
    drawn = (repository / "docs/figures/frame_time.svg").read_text(encoding="utf-8")
    assert drawn == draw(record), "python -m benchmarks.frame_time writes both"


@pytest.mark.lint
def test_the_shipped_bundle_is_in_it(repository: Path) -> None:
    record = json.loads((repository / "benchmarks/results/frame_time.json").read_text())
    shipped = load_bundle(DEMO_BUNDLE, verify=False)
    assert shipped.id in [one["id"] for one in record["bundles"]], "make results"
