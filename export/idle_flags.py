"""Flags that would do nothing beside the others: refused, so that nobody waits for their effect."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from export.graph.stages import root_of
from export.precision.variants import ALWAYS_FP32
from runtime.errors import UserError

__all__ = ["refuse_always_fp32", "refuse_idle_flags"]


def refuse_idle_flags(options: argparse.Namespace, precisions: Sequence[str]) -> None:
    """Refuse flags that the rest of the command line leaves without an effect.

    Those for devices are refused where they are read (export.targets.device_jobs).

    Args:
        options: as parsed; None, or False for a switch, where the user did not say.
        precisions: all that will be exported.

    Raises:
        UserError: naming the flag and why it would do nothing.
    """
    judged = "--min-agreement decides alone; give one of the two"
    no_table = "--no-text-encoder leaves the table out; give one of the two"
    whole = "the frame is seen as a whole; add a --crop, or leave this out"
    no_pamr = "it says how --refine pamr refines; give both"
    fp32_only = set(precisions) == {"fp32"}
    unchanged = "only fp32 is exported; add a --precision, or leave this out"
    idle = (
        (options.pamr_dilations, "--pamr-dilations", options.refine != "pamr", no_pamr),
        (options.gate, f"--gate {options.gate}", options.min_agreement is not None, judged),
        (options.token_table, "--token-table", options.no_text_encoder, no_table),
        (options.keep_fp32, "--keep-fp32", fp32_only, unchanged),
        (options.auto_fallback, "--auto-fallback", fp32_only, unchanged),
        (options.stride, "--stride", options.crop is None, whole),
    )
    if options.crop is not None and options.refine != "units":
        raise UserError(
            f"--crop and --refine {options.refine} exclude each other: scores are refined where "
            "the frame is seen whole; leave out one of the two"
        )
    for given, flag, without_effect, why in idle:
        if given and without_effect:
            raise UserError(f"{flag} would do nothing: {why}")


def refuse_always_fp32(stages: Sequence[str]) -> None:
    """Refuse ``--keep-fp32`` of stages that no precision ever changes; raises UserError."""
    for stage in stages:
        if root_of(stage) in ALWAYS_FP32:
            raise UserError(
                f"--keep-fp32 {stage} would do nothing: {', '.join(ALWAYS_FP32)} are always fp32; "
                "expected encoder, decoder or a part of the encoder"
            )
