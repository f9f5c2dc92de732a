"""``python -m training.checkpoints deepen``: the same image tower with more blocks, which begin as
nothing.

A trained tower goes on learning in a deeper one without starting over: between its blocks stand new
ones whose last matrices are zero, so that each adds nothing to its residual stream yet, and the
deeper tower computes what the shallow one did (Chen et al. 2016, "Net2Net"; zero-initialised
residual branches: Goyal et al. 2017).
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from runtime.command import CommandParser
from runtime.errors import UserError
from training.engine.checkpoint import load_checkpoint, write_new_start
from training.model.clip import activation_of, load_clip
from training.model.mgca import MgcaModel

EXAMPLE = (
    "python -m training.checkpoints deepen --from runs/plain/last.pt --clip mgca-small "
    "--out runs/demo/deeper.pt"
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.checkpoints deepen",
        description="Put a checkpoint's image tower into a deeper one that computes the same.",
        epilog=f"example:\n  {EXAMPLE}\n",
    )
    add = parser.add_argument
    add("--from", required=True, metavar="FILE", dest="trained", help="e.g. runs/demo/last.pt")
    add("--clip", required=True, metavar="NAME", help="the deeper CLIP, e.g. --clip mgca-small")
    add("--out", required=True, metavar="FILE", help="e.g. --out runs/demo/deeper.pt")
    return parser.parse_args(list(arguments))


def places_of(shallow: int, deep: int) -> list[int]:
    """Where ``shallow`` blocks stand among ``deep``: spread evenly, and the last stays the last,
    since dense features are read from it in ways of their own (training.model.dense).

    >>> places_of(3, 6)
    [1, 3, 5]
    >>> places_of(3, 4)
    [0, 1, 3]
    """
    return [(index + 1) * deep // shallow - 1 for index in range(shallow)]


@torch.no_grad()
def silence_block(block: nn.Module) -> None:
    """Make a transformer block add nothing: its two last linear maps become zero."""
    for linear in (block.attn.out_proj, block.mlp.c_proj):
        linear.weight.zero_()
        linear.bias.zero_()


@torch.no_grad()
def deepen_model(model: MgcaModel, clip_name: str, seed: int = 0) -> MgcaModel:
    """A model with ``clip_name``'s deeper image tower that computes what ``model`` does.

    Args:
        model: trained; unchanged.
        clip_name: an open_clip name that differs from the model's in its image tower's depth alone.
        seed: of the new blocks' weights.

    Returns:
        The deeper model, on the CPU, frozen.

    Raises:
        UserError: a CLIP of other widths, or one that is not deeper.
    """
    torch.manual_seed(seed)
    clip = load_clip(clip_name, activation=activation_of(model.clip))
    blocks, old_blocks = (one.visual.transformer.resblocks for one in (clip, model.clip))
    if len(blocks) <= len(old_blocks):
        raise UserError(
            f"--clip {clip_name} has {len(blocks)} image blocks, the checkpoint's "
            f"{model.config.clip_name} has {len(old_blocks)}; expected a deeper tower"
        )
    places = places_of(len(old_blocks), len(blocks))
    state = {}
    for name, value in model.clip.state_dict().items():
        head, marker, rest = name.partition("visual.transformer.resblocks.")
        if marker:
            index, _, rest = rest.partition(".")
            name = f"{head}{marker}{places[int(index)]}.{rest}"
        state[name] = value
    new = {f"visual.transformer.resblocks.{i}." for i in range(len(blocks)) if i not in places}
    try:
        missing, unexpected = clip.load_state_dict(state, strict=False)
    except RuntimeError as error:
        missing, unexpected = [], [str(error).splitlines()[1].strip()]
    left_out = [name for name in missing if not name.startswith(tuple(new))]
    if left_out or unexpected:
        raise UserError(
            f"--clip {clip_name} differs from {model.config.clip_name} in more than its depth "
            f"({(left_out + unexpected)[0]}); expected the same widths"
        )
    for index, block in enumerate(blocks):
        if index not in places:
            silence_block(block)
    tap = places[min(model.config.early_block, len(places) - 1)]
    config = dataclasses.replace(model.config, clip_name=clip_name, early_block=tap)
    deeper = MgcaModel(clip, config)
    deeper.decoder.load_state_dict(model.decoder.state_dict())
    deeper.text_center.copy_(model.text_center)
    return deeper.eval()


def run(arguments: Sequence[str]) -> None:
    """Read, deepen, write."""
    options = parse_arguments(arguments)
    trained = load_checkpoint(options.trained)
    model = deepen_model(trained.model, options.clip)
    config = dataclasses.replace(trained.config, model=model.config)
    hint = write_new_start(Path(options.out), config, model)
    print(f"{options.out}: {options.trained} in the deeper {options.clip}")
    print(hint)
