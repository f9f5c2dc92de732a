"""Graphs as the export really makes them: what TensorRT would refuse, their types, the whole path.

The fakes cannot say that a real parser takes every operator. They do say that uint8 goes into Cast
alone, what the products compute in, and that memory and shapes fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export.targets.tensorrt import build_engine, check_compatibility
from runtime.backends import open_backend
from runtime.backends.parity import compare_outputs, trial_feeds
from runtime.bundle import Bundle, load_bundle

PRECISIONS = {"fp32": "exported", "fp16": "exported-fp16", "int8": "exported-int8-static"}


@pytest.fixture(scope="session")
def exported(
    arguments: list[str],
    traced_once: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Bundle]:
    from export import job
    from export.cli import main

    out = tmp_path_factory.mktemp("bundles") / "exported"
    flags = ["--precision", "fp32,fp16,int8-static", "--min-agreement", "0", "--no-text-encoder"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "trace_segmenter", traced_once)
        assert main([*arguments, "--out", str(out), *flags]) == 0
    return {name: load_bundle(out.parent / folder) for name, folder in PRECISIONS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("precision", list(PRECISIONS))
def test_the_whole_path(
    exported: dict[str, Bundle], install: Callable[..., Any], precision: Any
) -> None:
    bundle = exported[precision]
    check_compatibility(bundle.file("segmenter.onnx"))
    feeds = trial_feeds(bundle)
    with open_backend(bundle, "onnxruntime-cpu", threads=1) as reference:
        expected = reference.run(feeds)
    for version in ("10.3", "11.4"):
        install(version)
        entry = build_engine(bundle, precision)
        evidence = entry.record["evidence"]
        # What the exporter counted in the graph is what is found in the network.
        counted = bundle.manifest.products["segmenter.onnx"]
        assert evidence["products"].get("HALF", 0) == counted["half"]
        assert evidence["quantised_products"] == counted["quantised"]
        if precision == "fp16":
            assert evidence["products"]["HALF"] > 2 * evidence["products"]["FLOAT"]
        if precision == "int8":
            assert evidence["quantize"] > 20
        with open_backend(bundle, "tensorrt") as engine:
            for _ in range(3):
                found = engine.run(feeds)
        assert compare_outputs(found, expected).passed
        assert {name: array.shape for name, array in found.items()} == {
            name: array.shape for name, array in expected.items()
        }
