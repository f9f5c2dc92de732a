"""What arithmetic this processor has in hardware: two machines of one processor name may differ."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

__all__ = ["computes_bfloat16", "computes_half", "cpu_abilities"]

# The flags (x86) and features (Arm) of /proc/cpuinfo by which an engine picks its kernels.
_TELLING = frozenset(
    "avx avx2 fma avx512f avx512bw avx512vl avx512_vnni avx512_bf16 avx512_fp16 avx_vnni "
    "avx_vnni_int8 avx_ne_convert amx_tile amx_int8 amx_bf16 amx_fp16 "
    "asimd asimdhp asimddp bf16 i8mm sve sve2 svebf16 svei8mm".split()
)
# Products of bfloat16 or half, not merely conversions from and to them (f16c, avx_ne_convert).
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"})
_HALF = frozenset({"avx512_fp16", "asimdhp"})


@lru_cache(maxsize=1)
def cpu_abilities() -> tuple[str, ...]:
    """The telling flags of this processor, sorted; empty where the system does not list them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return find_abilities(text)


def find_abilities(cpuinfo: str) -> tuple[str, ...]:
    """The same from the text of ``/proc/cpuinfo``.

    >>> find_abilities("flags : fpu avx2 amx_bf16 ht")
    ('amx_bf16', 'avx2')
    """
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return tuple(sorted(_TELLING & set(value.split())))
    return ()


def computes_bfloat16() -> bool:
    """Whether the processor says that it multiplies bfloat16 numbers."""
    return not _BFLOAT16.isdisjoint(cpu_abilities())


def computes_half() -> bool:
    """Whether the processor says that it multiplies half-precision numbers."""
    return not _HALF.isdisjoint(cpu_abilities())
