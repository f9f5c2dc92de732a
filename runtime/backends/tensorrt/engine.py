"""A bundle's engine: out of the cache, or built and kept there."""

from __future__ import annotations

import logging
from typing import get_args

from runtime.backends.cuda import Cuda
from runtime.backends.tensorrt.builder import build_plan
from runtime.backends.tensorrt.cache import EngineCache, EngineEntry
from runtime.backends.tensorrt.library import TensorRt
from runtime.backends.tensorrt.progress import Progress
from runtime.backends.tensorrt.settings import EngineSettings, Precision, engine_key
from runtime.bundle import SEGMENTER_FILE, Bundle
from runtime.errors import BundleError, MgcaError

log = logging.getLogger(__name__)

__all__ = ["find_engine", "find_stale_engine", "is_compatible", "obtain_engine", "precision_of"]


def find_engine(bundle: Bundle, library: TensorRt, cuda: Cuda) -> EngineEntry | None:
    """The cached engine that this TensorRT can run on this GPU, its plan unread; or None.

    That is one built by this very version, for the usual range of words or another; else a
    version-compatible one of an earlier version of the same major.
    """
    cache = EngineCache()
    key = engine_key(bundle, cuda.gpu(), library.version)
    exact = cache.find(key)
    for entry in ([] if exact is None else [exact]) + cache.find_like(key, "shapes"):
        if library.kind == "full" or is_compatible(entry):
            return entry
    for entry in cache.find_like(key, "shapes", "tensorrt"):
        if is_compatible(entry) and _is_earlier(str(entry.key["tensorrt"]), library.version):
            return entry
    return None


def find_stale_engine(bundle: Bundle) -> EngineEntry | None:
    """An engine that was built for this bundle's graph, whatever for and with; or None."""
    sha256 = bundle.graph_sha256(SEGMENTER_FILE)
    precision = bundle.manifest.precision
    for entry in EngineCache().entries():
        if (entry.key.get("onnx_sha256"), entry.key.get("precision")) == (sha256, precision):
            return entry
    return None


def obtain_engine(
    bundle: Bundle,
    library: TensorRt,
    cuda: Cuda,
    settings: EngineSettings | None = None,
    *,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> tuple[EngineEntry, bytes]:
    """The engine and its plan, built if need be; two processes never build the same one twice.

    ``settings`` None takes any engine of the bundle that fits; otherwise one built with them. The
    bundle itself is only read. Raises :class:`MgcaError`.
    """
    cache = EngineCache()
    wanted = settings or EngineSettings()
    key = engine_key(bundle, cuda.gpu(), library.version, wanted)

    def will_do(entry: EngineEntry) -> bool:
        return settings is None or entry.built.get("settings") == settings.to_json()

    entry = find_engine(bundle, library, cuda) if settings is None else cache.find(key)
    if entry is not None and will_do(entry) and not rebuild:
        plan = cache.load(entry)
        if plan is not None:
            return entry, plan
    if library.kind == "lean":
        raise MgcaError(
            f"no version-compatible engine of bundle {bundle.id} is in the cache, and the lean "
            f"TensorRT {library.version} cannot build one; build it on this device with the full "
            "TensorRT: python -m export --trt fp16 --trt-version-compatible"
        )
    precision = precision_of(bundle)

    def build() -> tuple[bytes, dict[str, object]]:
        log.warning(
            "building the TensorRT engine of %s for %s: once, and it may take minutes",
            bundle.id,
            cuda.gpu().name,
        )
        path = bundle.file(SEGMENTER_FILE)
        recorded = bundle.manifest.products.get(SEGMENTER_FILE)
        built = build_plan(library, cuda, path, precision, wanted, progress, recorded=recorded)
        record = dict(built.record)
        record["built"] = {"model": bundle.manifest.model_id, **record["built"]}
        return built.plan, record

    return cache.obtain(
        key,
        build,
        rebuild=rebuild,
        accept=will_do,
        on_wait=lambda: log.warning("another process is building this engine; waiting for it"),
    )


def precision_of(bundle: Bundle) -> Precision:
    """The precision of a bundle's graph, as its manifest names it."""
    # An int8 graph comes with measured ranges (int8-static) or, for CPUs only, without.
    wanted = bundle.manifest.precision.removesuffix("-static")
    for name in get_args(Precision):
        if wanted == name:
            return name
    raise BundleError(
        f"bundle {bundle.path} has precision {bundle.manifest.precision!r}; TensorRT engines are "
        f"built from {', '.join(get_args(Precision))}"
    )


def is_compatible(entry: EngineEntry) -> bool:
    """Whether an engine was built to run with later versions too; it then carries code."""
    settings = entry.built.get("settings")
    return isinstance(settings, dict) and settings.get("version_compatible") is True


def _is_earlier(built: str, running: str) -> bool:
    """Whether an engine of one version may run with another: forward, within a major version."""
    first, second = (
        [int(part) for part in text.split(".") if part.isdecimal()] for text in (built, running)
    )
    return bool(first and second) and first[0] == second[0] and first <= second
