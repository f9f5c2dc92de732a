"""``--trt``: the engine of an exported bundle, built on this GPU and kept in its cache."""

from __future__ import annotations

from pathlib import Path

from export.progress import say
from export.targets.tensorrt.compatibility import check_compatibility
from runtime.backends.tensorrt.cache import EngineEntry
from runtime.backends.tensorrt.engine import obtain_engine, precision_of
from runtime.backends.tensorrt.library import TensorRtMissingError, open_tensorrt
from runtime.backends.tensorrt.progress import Progress
from runtime.backends.tensorrt.settings import EngineSettings, Precision
from runtime.bundle import SEGMENTER_FILE, Bundle, load_bundle
from runtime.errors import MgcaError

__all__ = ["build_engine"]


def build_engine(
    bundle: Bundle | Path,
    precision: Precision,
    settings: EngineSettings | None = None,
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> EngineEntry:
    """Build the TensorRT engine of a bundle, or take the cache's; the bundle is only read.

    Args:
        bundle: an exported bundle, or its folder.
        precision: what the engine must compute in; the bundle must be of that precision.
        settings: how to build; None for the defaults.
        rebuild: build anew, whatever the cache holds.
        progress: called with the phase and the share done.

    Returns:
        The engine in the cache; the runtime finds it by the bundle.

    Raises:
        MgcaError: the graph is of another precision or not for TensorRT; TensorRT or the GPU is
            missing (with what to install); the build failed; the engine is not what was asked for.
    """
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    found = precision_of(bundle)
    if found != precision:
        raise MgcaError(
            f"--trt {precision}: bundle {bundle.path} is {bundle.manifest.precision}; precision is "
            f"the graph's own, export it with --precision {precision}"
        )
    check_compatibility(bundle.file(SEGMENTER_FILE))
    try:
        library, cuda = open_tensorrt(to_build=True)
    except TensorRtMissingError as error:
        raise MgcaError(f"--trt {precision}: {error}; the ONNX bundle {bundle.path} is kept") from (
            error
        )
    try:
        entry, _ = obtain_engine(
            bundle,
            library,
            cuda,
            settings or EngineSettings(),
            rebuild=rebuild,
            progress=progress,
        )
    finally:
        cuda.close()
    say(
        f"engine {entry.digest[:12]}: TensorRT {library.version}, {precision}, "
        f"{entry.size_bytes / 2**20:.1f} MiB, {entry.built.get('seconds', 0):.0f} s to build"
    )
    return entry
