"""TensorRT's timings of kernels, kept so that the next build of a like graph is quicker."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.backends.cuda import Gpu
from runtime.backends.tensorrt.cache.locking import hold_lock
from runtime.backends.tensorrt.library import TensorRt
from runtime.cache import cache_folder, record_key
from runtime.errors import MgcaError

log = logging.getLogger(__name__)

__all__ = ["keep_timings", "load_timings"]


def load_timings(library: TensorRt, gpu: Gpu, config: Any) -> None:
    """Give a configuration the timings of earlier builds with this TensorRT on this GPU."""
    path = _path(library, gpu)
    known = b""
    with contextlib.suppress(OSError):
        known = path.read_bytes()
    for content in (known, b""):
        # A file that TensorRT does not take (another driver, a torn copy) only costs time.
        timings = config.create_timing_cache(content)
        if timings is not None and config.set_timing_cache(timings, False):
            return
    log.info("TensorRT takes no timing cache; building without one")


def keep_timings(library: TensorRt, gpu: Gpu, config: Any) -> None:
    """Add a configuration's timings to those kept; where they cannot be written, do nothing."""
    timings = config.get_timing_cache()
    if timings is None:
        return
    path = _path(library, gpu)
    try:
        with hold_lock(path.with_suffix(".lock"), wait_s=10):
            _combine(config, timings, path)
            write_whole(path, bytes(timings.serialize()))
    except (OSError, MgcaError) as error:
        log.info("TensorRT's timings are not kept: %s", error)


def _combine(config: Any, timings: Any, path: Path) -> None:
    """Take in what another process has written since we read the file."""
    with contextlib.suppress(OSError):
        others = config.create_timing_cache(path.read_bytes())
        if others is not None:
            timings.combine(others, False)


def _path(library: TensorRt, gpu: Gpu) -> Path:
    key = {
        "tensorrt": library.version,
        "gpu": gpu.name,
        "compute_capability": gpu.compute_capability,
    }
    return cache_folder() / "tensorrt_timing" / f"{record_key(key)}.bin"
