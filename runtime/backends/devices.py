"""Which accelerators this machine really has, asked of the driver itself."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

__all__ = ["cuda_devices", "cuda_driver"]


def cuda_driver() -> ctypes.CDLL | None:
    """NVIDIA's driver library, not yet initialised; None where it is not installed."""
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None


@lru_cache(maxsize=1)
def cuda_devices() -> tuple[str, ...]:
    """Names of the CUDA devices that the driver sees; empty, and next to free, without a driver.

    Asked before any CUDA library is loaded: without a driver some of them answer with a
    segmentation fault.
    """
    try:
        driver = cuda_driver()
        count = ctypes.c_int(0)
        if (
            driver is None
            or driver.cuInit(0) != 0
            or driver.cuDeviceGetCount(ctypes.byref(count)) != 0
        ):
            return ()
        return tuple(_device_name(driver, number) for number in range(count.value))
    except (OSError, AttributeError):
        return ()


def _device_name(driver: ctypes.CDLL, number: int) -> str:
    device = ctypes.c_int(0)
    name = ctypes.create_string_buffer(128)
    if driver.cuDeviceGet(ctypes.byref(device), number) != 0:
        return "CUDA device"
    if driver.cuDeviceGetName(name, len(name), device) != 0:
        return "CUDA device"
    return name.value.decode(errors="replace")
