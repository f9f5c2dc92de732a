"""What ``--backend auto`` takes: the fastest that loads here and says what the reference says.

Where only one backend can run, it is opened and that is all. Where there are several, each is
tried once with the bundle: one frame for parity, a few for speed. The outcome is remembered in the
cache under everything it depends on, so that later starts open the winner at once. A backend that
does not load, fails, or disagrees is passed over, and the log says why, whatever kind of error a
broken package or driver raises; the last resort in the order is ONNX Runtime on the CPU, which is
also the reference.

TensorRT is a candidate if the cache holds an engine of the bundle for this GPU: ``auto`` never
makes anybody wait for a build. An engine that has gone stale (another TensorRT, a broken file) is
built again in the background, and serves from a later start on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections.abc import Callable
from importlib import util
from time import perf_counter
from typing import TYPE_CHECKING, Any

from runtime.backends.contract import expect_segmenter
from runtime.backends.devices import cuda_devices
from runtime.backends.parity import compare_outputs, trial_feeds
from runtime.backends.protocol import NotReadyError
from runtime.bundle import Bundle
from runtime.cache import read_record, record_key, write_record
from runtime.environment import cpu_name, installed_versions
from runtime.errors import MgcaError, describe_error

if TYPE_CHECKING:
    import numpy as np

    from runtime.backends.protocol import Backend

# In this order they are tried; of two equally fast ones the first is taken. Backends that compute
# in less precision than the bundle says (parity.LESS_PRECISE) are only ever taken by name.
ORDER = (
    "tensorrt",
    "onnxruntime-cuda-graph",
    "onnxruntime-cuda",
    "openvino",
    "onnxruntime-cpu",
)
REFERENCE = "onnxruntime-cpu"
_KIND = "backend_choice"
_TIMED_RUNS = 3

log = logging.getLogger(__name__)

__all__ = ["ORDER", "REFERENCE", "candidates", "open_fastest"]

Opener = Callable[[str], "Backend"]


def candidates() -> tuple[str, ...]:
    """Backends that may run any bundle on this machine, in order; cheap, nothing is loaded."""
    present = {
        "tensorrt": False,  # it needs an engine, see _cached_engine
        "onnxruntime-cuda-graph": bool(cuda_devices()),
        "onnxruntime-cuda": bool(cuda_devices()),
        "openvino": util.find_spec("openvino") is not None,
        "onnxruntime-cpu": True,
    }
    return tuple(name for name in ORDER if present[name])


def open_fastest(bundle: Bundle, threads: int | None, open_by_name: Opener) -> Backend:
    """Open the backend that is remembered as the fastest, or find it out (see above)."""
    names = candidates()
    engine = _cached_engine(bundle)
    if engine is not None:
        names = ("tensorrt", *names)
    if len(names) == 1:
        return open_by_name(names[0])
    key = _key(bundle, names, threads, engine)
    remembered = (read_record(_KIND, key) or {}).get("chosen")
    if remembered in names:
        try:
            return open_by_name(remembered)
        except Exception as error:  # what other people's packages raise is not ours to foresee
            log.warning(
                "backend %s, chosen before, no longer loads: %s", remembered, describe_error(error)
            )
    backend, figures = _try_all(bundle, names, open_by_name)
    if not any(figure.get("not_ready") for figure in figures["tried"].values()):
        write_record(_KIND, key, {"bundle": bundle.id, **figures})
    return backend


def _cached_engine(bundle: Bundle) -> str | None:
    """Digest of the engine that TensorRT can run here at once; a stale one is built again."""
    if not cuda_devices():
        return None
    from runtime.backends.tensorrt.engine import find_engine, find_stale_engine
    from runtime.backends.tensorrt.library import open_tensorrt
    from runtime.backends.tensorrt.rebuild import start_rebuild

    try:
        library, cuda = open_tensorrt()
        try:
            entry = find_engine(bundle, library, cuda)
            if entry is not None:
                return entry.digest
            if library.kind == "full" and find_stale_engine(bundle) is not None:
                start_rebuild(bundle, library)
            else:
                log.info("no TensorRT engine of %s is built; backend='tensorrt' does it", bundle.id)
        finally:
            cuda.close()
    except MgcaError as error:
        log.info("TensorRT is no candidate: %s", error)
    except Exception as error:  # not one of the ordinary reasons: something here is broken
        log.warning("backend tensorrt is passed over: %s", describe_error(error))
    return None


def _try_all(
    bundle: Bundle, names: tuple[str, ...], open_by_name: Opener
) -> tuple[Backend, dict[str, Any]]:
    feeds = trial_feeds(bundle)
    best_name, best = REFERENCE, open_by_name(REFERENCE)
    expect_segmenter(best, bundle)
    reference, best_ms = _time_runs(best, feeds)
    tried: dict[str, dict[str, Any]] = {REFERENCE: {"ms": round(best_ms, 3)}}
    for name in reversed([name for name in names if name != REFERENCE]):
        backend: Backend | None = None
        try:
            backend = open_by_name(name)
            outputs, took_ms = _time_runs(backend, feeds)
            agreement = compare_outputs(outputs, reference)
            if not agreement.passed:
                raise MgcaError(f"it disagrees with {REFERENCE} on one frame: {agreement}")
        except Exception as error:  # what other people's packages raise is not ours to foresee
            log.warning("backend %s is passed over: %s", name, describe_error(error))
            tried[name] = {"error": describe_error(error)}
            if isinstance(error, NotReadyError):
                tried[name]["not_ready"] = True
            if backend is not None:
                with contextlib.suppress(Exception):  # it has failed already
                    backend.close()
            continue
        tried[name] = {"ms": round(took_ms, 3), **vars(agreement)}
        if took_ms <= best_ms:
            best.close()
            best_name, best, best_ms = name, backend, took_ms
        else:
            backend.close()
    log.info("backend auto: %s (%s); tried %s", best_name, best.provider, tried)
    return best, {"chosen": best_name, "tried": tried}


def _time_runs(
    backend: Backend, feeds: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], float]:
    """The outputs, and the least milliseconds of a few runs after the first."""
    outputs = backend.run(feeds)
    least = float("inf")
    for _ in range(_TIMED_RUNS):
        start = perf_counter()
        outputs = backend.run(feeds)  # the last one's: a captured graph begins after the first
        least = min(least, (perf_counter() - start) * 1e3)
    return outputs, least


def _key(bundle: Bundle, names: tuple[str, ...], threads: int | None, engine: str | None) -> str:
    return record_key(
        {
            "bundle": bundle.id,
            "candidates": names,
            "threads": threads,
            "versions": installed_versions(("onnxruntime", "onnxruntime-gpu", "openvino")),
            "machine": [platform.machine(), cpu_name(), os.cpu_count()],
            "cuda": cuda_devices(),
            "engine": engine,
        }
    )
