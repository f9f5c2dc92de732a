"""``python -m training.checkpoints interpolate``: one model between two states of a run, weight by
weight.

A tower that goes on to learn other pictures forgets some of what it knew. Where the later state was
reached from the earlier one, their weights can be averaged, and the average often keeps most of
both (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Pre-training or MGCA then
starts from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import number
from training.engine.checkpoint import load_checkpoint, write_new_start
from training.model.mgca import MgcaModel, with_names_as

EXAMPLE = (
    "python -m training.checkpoints interpolate --from runs/demo/earlier.pt --to runs/demo/last.pt "
    "--share 0.5 --out runs/demo/between.pt"
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.checkpoints interpolate",
        description="Average two checkpoints of one run, to train on from what lies between.",
        epilog=f"example:\n  {EXAMPLE}\n",
    )
    add = parser.add_argument
    add("--from", required=True, metavar="FILE", dest="earlier", help="e.g. runs/demo/earlier.pt")
    add("--to", required=True, metavar="FILE", dest="later", help="e.g. runs/demo/last.pt")
    add(
        "--share",
        required=True,
        type=number(0, 1),
        metavar="X",
        help="of the second file, 0 to 1, e.g. --share 0.5",
    )
    add("--out", required=True, metavar="FILE", help="e.g. --out runs/demo/between.pt")
    add(
        "--close-decoder",
        action="store_true",
        help="let CLIP's embeddings pass through the decoder again: what MGCA taught it on other "
        "weights would add up from model to model",
    )
    return parser.parse_args(list(arguments))


@torch.no_grad()
def interpolate_models(earlier: MgcaModel, later: MgcaModel, share: float) -> None:
    """Move every weight of ``later`` towards ``earlier``, in place.

    Args:
        earlier: of the same architecture; weighs ``1 - share``; unchanged.
        later: weighs ``share``; holds the average afterwards.
        share: in [0, 1].
    """
    # Not state_dict(), which lists what two modules share twice.
    first, second = (
        dict(model.named_parameters()) | dict(model.named_buffers()) for model in (earlier, later)
    )
    for name, value in second.items():
        if value.is_floating_point():
            # Not lerp, whose ends may differ from its arguments by a rounding.
            value.copy_((1.0 - share) * first[name] + share * value)


def run(arguments: Sequence[str]) -> None:
    """Read two, average, write."""
    options = parse_arguments(arguments)
    earlier, later = load_checkpoint(options.earlier), load_checkpoint(options.later)
    if with_names_as(earlier.config.model, later.config.model) != later.config.model:
        raise UserError(
            f"the checkpoints cannot be averaged: {earlier.config.model} in the first, "
            f"{later.config.model} in the second; expected two states of one run"
        )
    interpolate_models(earlier.model, later.model, options.share)
    if options.close_decoder:
        later.model.decoder.close()
    out = Path(options.out)
    hint = write_new_start(out, later.config, later.model)
    print(f"{out}: {options.share:g} of {options.later}, the rest of {options.earlier}")
    print(hint)
