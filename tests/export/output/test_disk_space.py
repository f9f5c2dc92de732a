"""How much room an export asks for, worked by hand, and what it says when there is none."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from export.output.disk_space import WeightSizes, bytes_needed, tell_full_disk
from runtime.errors import UserError

SIZES = WeightSizes(seeing=1000, reading=300, table=50, others=7)


@pytest.mark.parametrize(
    ("precisions", "expected"),
    [
        # Laid open and to ship, text, the shared files twice (once beside, once in the bundle).
        (["fp32"], 2 * 1000 + 350 + 2 * 7),
        # Magnitudes need an fp32 run first; later the text encoder's half lies there twice.
        (["fp16"], 2 * 1000 + 350 + 2 * 7),
        (["fp32", "fp16"], (1000 + 350 + 7) + 2 * 600 + 2 * 230 + 2 * 7),
        # int8's text is quantised (a file and its copy) while two graphs of 700 lie there.
        (["int8"], 2 * 700 + 2 * 350 + 2 * 7),
        (["fp32", "int8"], (1000 + 350 + 7) + 2 * 700 + 2 * 350 + 2 * 7),
        # Ranges need an fp32 run first, unless there was one.
        (["int8-static"], 2 * 1000 + 350 + 2 * 7),
        (["fp32", "int8-static"], (1000 + 350 + 7) + 2 * 700 + 2 * 350 + 2 * 7),
    ],
)
def test_the_most_at_one_time(precisions: list[str], expected: int) -> None:
    assert bytes_needed(SIZES, precisions, keeps_fp32=False) == expected


def test_without_text_the_segmenters_quantising_is_the_peak() -> None:
    bare = WeightSizes(seeing=1000, reading=0, table=0, others=0)
    assert bytes_needed(bare, ["int8"], keeps_fp32=False) == 2 * 1000


def test_stages_kept_in_fp32_may_save_nothing() -> None:
    assert bytes_needed(SIZES, ["fp16"], keeps_fp32=True) == 2 * 1000 + 2 * 350 + 2 * 7


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_runs_out_is_one_line(number: int) -> None:
    with (
        pytest.raises(UserError, match=r"--out b: the disk ran out of room .* on another disk"),
        tell_full_disk(Path("b")),
    ):
        raise OSError(number, "No space left on device")


def test_other_errors_pass() -> None:
    with pytest.raises(PermissionError), tell_full_disk(Path("b")):
        raise PermissionError(errno.EACCES, "not yours")
