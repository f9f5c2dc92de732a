"""What the segmenter's graph must look like to be the one that the manifest describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from runtime.backends.protocol import Backend, TensorSpec, expect_tensors
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import BundleError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["expect_results", "expect_segmenter"]


def expect_segmenter(backend: Backend, bundle: Bundle) -> None:
    """Raise :class:`BundleError` unless every input and output fits the manifest."""
    manifest = bundle.manifest
    width, height = manifest.input.size_wh
    grid = (manifest.output.grid_wh[1], manifest.output.grid_wh[0])
    expect_tensors(
        SEGMENTER_FILE,
        backend,
        inputs={
            "frame": ("uint8", (1, height, width, 3)),
            "text": ("float32", ("K", manifest.embedding_width)),
        },
        outputs={
            "class_scores": ("float32", (1, "K", *grid)),
            "unit_of_pixel": ("int32", (1, *grid)),
            "unit_scores": ("float32", (manifest.output.units, "K")),
            "pixel_scores": ("float32", (1, "K", *grid)),
        },
    )


def expect_results(arrays: Mapping[str, np.ndarray], bundle: Bundle, rows: int) -> None:
    """Raise :class:`BundleError` unless a run gave what it should: a graph may declare other shapes
    than it computes.

    Args:
        arrays: some of the graph's outputs, by name.
        bundle: whose manifest says what they are.
        rows: how many rows of text went in.
    """
    width, height = bundle.manifest.output.grid_wh
    scores = TensorSpec("float32", (1, rows, height, width))
    wanted = {
        "class_scores": scores,
        "pixel_scores": scores,
        "unit_of_pixel": TensorSpec("int32", (1, height, width)),
        "unit_scores": TensorSpec("float32", (bundle.manifest.output.units, rows)),
    }
    for name, array in arrays.items():
        if name in wanted and not wanted[name].accepts(array):
            found = TensorSpec(array.dtype.name, array.shape)
            raise BundleError(
                f"{SEGMENTER_FILE}: output {name} came as {found}, expected {wanted[name]}; "
                "export the bundle again with python -m export"
            )
