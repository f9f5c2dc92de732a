"""What ``--backend auto`` takes: the fastest that loads here and says what the reference says.

Where only one backend can run, it is opened and that is all. Where there are several, each is
tried with the bundle (:mod:`.trial`): on some frames for parity, then against the best so far, in
turn, for speed; it is taken only if it is faster by more than noise. The outcome is remembered in
the cache under everything it depends on, the processor's abilities among them, so that later starts
open the winner at once.

A backend that computes in less precision than the bundle says is a candidate where the processor
computes in it natively. It is held to what the export's gate asks of an int8 bundle: 0.97 of the
labels, near-ties included. What that costs the shipped bundle stands in docs/performance.md.

One that does not load, fails, or disagrees is passed over, and the log says why, whatever kind of
error a broken package or driver raises; the last resort in the order is ONNX Runtime on the CPU,
which is also the reference.

TensorRT is a candidate if the cache holds an engine of the bundle for this GPU: ``auto`` never
makes anybody wait for a build. An engine that has gone stale (another TensorRT, a broken file) is
built again in the background, and serves from a later start on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from statistics import median
from typing import TYPE_CHECKING, Any

from runtime.backends.abilities import computes_bfloat16, cpu_abilities
from runtime.backends.contract import expect_segmenter
from runtime.backends.devices import cuda_devices
from runtime.backends.parity import LESS_PRECISE
from runtime.backends.protocol import NotReadyError
from runtime.backends.tensorrt.progress import Progress, show_build
from runtime.backends.trial import FRAMES, FRAMES_LESS_PRECISE, Race, judge, race, trial_frames
from runtime.bundle import Bundle
from runtime.cache import read_record, record_key, write_record
from runtime.environment import cpu_name, installed_versions, usable_cores
from runtime.errors import MgcaError, describe_error

if TYPE_CHECKING:
    from runtime.backends.protocol import Backend

# From the last to the first they are tried; of two that noise cannot tell apart the later one in
# this list stays. An NPU is only ever taken by name.
ORDER = (
    "tensorrt",
    "onnxruntime-cuda-graph",
    "onnxruntime-cuda",
    "openvino-bf16",
    "openvino",
    "onnxruntime-cpu",
)
REFERENCE = "onnxruntime-cpu"
_KIND = "backend_choice"
# Part of the key: what was chosen by other rules is chosen anew.
_RULES = 3

log = logging.getLogger(__name__)

__all__ = ["ORDER", "REFERENCE", "Outlook", "candidates", "look_ahead", "open_fastest"]

Opener = Callable[[str], "Backend"]


@dataclass(frozen=True)
class Outlook:
    """What ``auto`` goes by before it opens anything.

    Attributes:
        names: the candidates in order, TensorRT among them if an engine of the bundle is built.
        key: under which a choice between them is remembered.
        record: what is remembered: ``chosen``, and ``tried`` with each backend's figures; or empty.
    """

    names: tuple[str, ...]
    key: str
    record: Mapping[str, Any]

    @property
    def chosen(self) -> str | None:
        """The remembered choice, None where there is none."""
        chosen = self.record.get("chosen")
        return chosen if chosen in self.names else None


def candidates() -> tuple[str, ...]:
    """Backends that may run any bundle on this machine, in order; cheap, nothing is loaded."""
    openvino = util.find_spec("openvino") is not None
    present = {
        "tensorrt": False,  # it needs an engine, see _cached_engine
        "onnxruntime-cuda-graph": bool(cuda_devices()),
        "onnxruntime-cuda": bool(cuda_devices()),
        "openvino-bf16": openvino and computes_bfloat16(),
        "openvino": openvino,
        "onnxruntime-cpu": True,
    }
    return tuple(name for name in ORDER if present[name])


def open_fastest(bundle: Bundle, threads: int | None, open_by_name: Opener) -> Backend:
    """Open the backend that is remembered as the fastest, or find it out (see above)."""
    ahead = look_ahead(bundle, threads, rebuild=True)
    names = ahead.names
    if len(names) == 1:
        return open_by_name(names[0])
    remembered = ahead.chosen
    if remembered is not None:
        try:
            return open_by_name(remembered)
        except Exception as error:  # what other people's packages raise is not ours to foresee
            log.warning(
                "backend %s, chosen before, no longer loads: %s", remembered, describe_error(error)
            )
    with show_build("choosing a backend, once") as progress:
        backend, figures = _try_all(bundle, names, open_by_name, progress)
    if not any(figure.get("not_ready") for figure in figures["tried"].values()):
        write_record(_KIND, ahead.key, {"bundle": bundle.id, **figures})
    return backend


def look_ahead(bundle: Bundle, threads: int | None = None, *, rebuild: bool = False) -> Outlook:
    """What ``auto`` would go by now; no backend is opened.

    ``rebuild``: start to build a TensorRT engine again, in the background, that has gone stale.
    """
    engine = _cached_engine(bundle, rebuild)
    names = candidates() if engine is None else ("tensorrt", *candidates())
    key = _key(bundle, names, threads, engine)
    return Outlook(names, key, read_record(_KIND, key) or {})


def _cached_engine(bundle: Bundle, rebuild: bool) -> str | None:
    """Digest of the engine that TensorRT can run here at once."""
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
            if rebuild and library.kind == "full" and find_stale_engine(bundle) is not None:
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
    bundle: Bundle, names: tuple[str, ...], open_by_name: Opener, progress: Progress
) -> tuple[Backend, dict[str, Any]]:
    less_precise = any(name in LESS_PRECISE for name in names)
    frames = trial_frames(bundle, FRAMES_LESS_PRECISE if less_precise else FRAMES)
    best_name, best = REFERENCE, open_by_name(REFERENCE)
    expect_segmenter(best, bundle)
    reference = [best.run(frame) for frame in frames]
    tried: dict[str, dict[str, Any]] = {REFERENCE: {}}
    for name in reversed([name for name in names if name != REFERENCE]):
        progress(name, len(tried) / len(names))
        backend: Backend | None = None
        ordinary = False
        try:
            backend = open_by_name(name)
            found = judge(name, [backend.run(frame) for frame in frames], reference)
            if not found.passed:
                ordinary = name in LESS_PRECISE  # it may round too much for this bundle
                raise MgcaError(f"it disagrees with {REFERENCE}: {found}")
            timed = race(best, backend, frames)
        except Exception as error:  # what other people's packages raise is not ours to foresee
            level = logging.INFO if ordinary else logging.WARNING
            log.log(level, "backend %s is passed over: %s", name, describe_error(error))
            tried[name] = {"error": describe_error(error)}
            if isinstance(error, NotReadyError):
                tried[name]["not_ready"] = True
            if backend is not None:
                with contextlib.suppress(Exception):  # it has failed already
                    backend.close()
            continue
        tried[name] = {**vars(found.worst), "labels": found.labels, **_describe(timed, best_name)}
        if timed.second_is_faster:
            best.close()
            best_name, best = name, backend
        else:
            backend.close()
    log.info("backend auto: %s (%s); tried %s", best_name, best.provider, tried)
    return best, {"chosen": best_name, "tried": tried}


def _describe(timed: Race, rival: str) -> dict[str, Any]:
    return {
        "ms": round(median(timed.second_ms), 3),
        "against": rival,
        "against_ms": round(median(timed.first_ms), 3),
        "ratio": round(median(timed.ratios), 3),
        "turns": len(timed.first_ms),
    }


def _key(bundle: Bundle, names: tuple[str, ...], threads: int | None, engine: str | None) -> str:
    return record_key(
        {
            "bundle": bundle.id,
            "candidates": names,
            "threads": threads,
            "versions": installed_versions(("onnxruntime", "onnxruntime-gpu", "openvino")),
            "machine": [platform.machine(), cpu_name(), os.cpu_count(), usable_cores()],
            "abilities": cpu_abilities(),
            "rules": _RULES,
            "cuda": cuda_devices(),
            "engine": engine,
        }
    )
