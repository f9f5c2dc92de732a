"""What the segmenter's graph must look like to be the one that the manifest describes."""

from __future__ import annotations

from runtime.backends.protocol import Backend, expect_tensors
from runtime.bundle import SEGMENTER_FILE, Bundle

__all__ = ["expect_segmenter"]


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
