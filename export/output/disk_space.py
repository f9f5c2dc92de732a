"""How much disk an export takes at its largest, and one line where it ran out all the same."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import UserError

# What a precision leaves of the weights' size in fp32, at most: dynamic int8 takes no convolutions.
_LEFT_OF_FP32 = {"fp32": 1.0, "fp16": 0.6, "int8": 0.7, "int8-static": 0.7}
_RUN_OUT = frozenset({errno.ENOSPC, errno.EDQUOT})

__all__ = ["WeightSizes", "bytes_needed", "tell_full_disk"]


@dataclass(frozen=True, kw_only=True)
class WeightSizes:
    """Bytes of one export's parts.

    Attributes:
        seeing: the segmenter's weights in fp32.
        reading: the text encoder's in fp32, its token table left out; 0 without the encoder.
        table: the token table as it is stored; 0 without the encoder.
        others: what does not depend on the precision: vocabulary, tokenizer.
    """

    seeing: int
    reading: int
    table: int
    others: int


def bytes_needed(sizes: WeightSizes, precisions: Sequence[str], *, keeps_fp32: bool) -> int:
    """Return the most that lies on the disk at one time: finished bundles, and the one in work.

    Args:
        sizes: of the parts.
        precisions: in the order in which they are built.
        keeps_fp32: stages may stay in fp32, so no precision is sure to save anything.
    """
    finished, most = float(sizes.others), 0.0
    for index, precision in enumerate(precisions):
        left = 1.0 if keeps_fp32 else _LEFT_OF_FP32[precision]
        seeing, reading = left * sizes.seeing, left * sizes.reading + sizes.table
        # The graph to ship, the same laid open to be measured, and the text encoder beside them.
        in_work = 2 * seeing + reading
        if precision.startswith("int8"):
            # The quantiser reads a file and writes it again with the shapes of all values in it.
            exact = sizes.reading + sizes.table
            in_work = max(2 * sizes.seeing, 2 * seeing + 2 * exact)
        if precision == "fp16":
            # Of the text encoder in fp32 the magnitudes are measured, then its half is rounded.
            exact = sizes.reading + sizes.table
            in_work = 2 * seeing + max(exact, 2 * (left * sizes.reading + sizes.table))
            in_work = max(in_work, sizes.seeing)
        if precision in ("fp16", "int8-static") and index == 0:
            # Their ranges are measured on frames that the fp32 graph has seen first.
            in_work = max(in_work, 2 * sizes.seeing + sizes.reading + sizes.table)
        most = max(most, finished + in_work + sizes.others)
        finished += seeing + reading + sizes.others
    return round(most)


@contextmanager
def tell_full_disk(out: Path) -> Iterator[None]:
    """Make one line of a disk, or a quota, that runs out while an export writes.

    Args:
        out: the folder that the user named; all that an export writes lies beside it.

    Raises:
        UserError: it ran out; what was in place before is untouched.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _RUN_OUT:
            raise
        raise UserError(
            f"--out {out}: the disk ran out of room during the export ({error.strerror}); nothing "
            "was replaced; free some or name a folder on another disk"
        ) from error
