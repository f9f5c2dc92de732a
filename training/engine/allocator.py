"""Keep freed tensor memory inside the process.

With glibc's defaults every block of more than 32 MiB (and, at first, of more than 128 KiB) is taken
from the kernel with ``mmap`` and given back at ``free``. A training step allocates and frees the
same tensors again and again, so each step pays for page faults on all of its memory: three to five
times the arithmetic on the machines we measured. :func:`keep_freed_memory` raises the two
thresholds with ``mallopt``, which needs no environment variable and no restart, so a plain ``python
-m training.run`` is already fast.
"""

from __future__ import annotations

import ctypes
import os
import sys

# <malloc.h>: the parameter numbers of mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory for the next step instead of giving it to the kernel.

    Does nothing where the user has set ``MALLOC_MMAP_THRESHOLD_`` or ``MALLOC_TRIM_THRESHOLD_``
    (their choice stands), on other operating systems, and with C libraries that have no ``mallopt``
    (musl).

    Returns:
        True when both thresholds were raised by this call.
    """
    if not sys.platform.startswith("linux"):
        return False
    if "MALLOC_MMAP_THRESHOLD_" in os.environ or "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    mallopt.restype = ctypes.c_int
    raised = [
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_INT),
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT),
        mallopt(_M_TOP_PAD, 64 * 2**20),
    ]
    return all(raised)
