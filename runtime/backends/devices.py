"""Which accelerators this machine really has, asked of the driver itself."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

__all__ = ["cuda_device_count"]


@lru_cache(maxsize=1)
def cuda_device_count() -> int:
    """CUDA devices that the driver sees; 0 without a driver. Costs next to nothing without one.

    Asked before any CUDA library is loaded: without a driver some of them answer with a
    segmentation fault.
    """
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value
