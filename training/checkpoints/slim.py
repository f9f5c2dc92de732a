"""``python -m training.checkpoints slim``: a run's checkpoint made fit to ship: half precision,
nothing for resuming.

Rows of the token embedding that no training caption ever touched still hold their random start,
which says nothing and does not compress; they are set to the mean row, so that a word the world
never named is neutral. A word that only a prompt holds ("there" of "there is a") counts as one of
them, though prompts for nouns have trained its row: docs/experiments/007 has what that
does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from runtime.command import CommandParser
from runtime.errors import UserError
from training.data.streetworld import VARIANTS, generate_pair
from training.engine.checkpoint import Checkpoint, load_checkpoint, write_checkpoint
from training.model.clip import tokenizer_for

# Scenes of each variant that are read to find which tokens the world uses: every template, noun and
# color many times over.
SCENES_READ = 1000
EXAMPLE = (
    "python -m training.checkpoints slim --checkpoint runs/demo/last.pt --out runs/demo/demo.pt"
)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.checkpoints slim",
        description="Make a small checkpoint for shipping out of a run's own.",
        epilog=f"example:\n  {EXAMPLE}\n",
    )
    parser.add_argument(
        "--checkpoint", required=True, metavar="FILE", help="e.g. --checkpoint runs/demo/last.pt"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="e.g. --out runs/demo/demo.pt")
    return parser.parse_args(list(arguments))


def neutralise_unused_tokens(checkpoint: Checkpoint, scenes: int) -> int:
    """Set the embedding rows of tokens that StreetWorld never uses to the mean of those it uses.

    Args:
        checkpoint: of a CLIP trained on StreetWorld; changed in place.
        scenes: how many training scenes' captions to read of each variant of the world.

    Returns:
        How many rows were in use.
    """
    model = checkpoint.model
    tokenizer = tokenizer_for(model.clip)
    first = checkpoint.config.data.first_seed
    size_wh = (32, 24)  # captions do not depend on the size they are drawn at
    captions = {
        caption
        for variant in VARIANTS
        for seed in range(first, first + scenes)
        for caption in generate_pair(seed, variant=variant, size_wh=size_wh)[1]
    }
    used = tokenizer(sorted(captions)).unique()
    table = model.clip.token_embedding.weight
    with torch.no_grad():
        kept = table[used].clone()
        table.copy_(kept.mean(0, keepdim=True).expand_as(table))
        table[used] = kept
    return int(used.numel())


def run(arguments: Sequence[str]) -> None:
    """Read, lighten, write."""
    options = parse_arguments(arguments)
    checkpoint = load_checkpoint(options.checkpoint)
    if checkpoint.phase != "mgca" or not checkpoint.step:
        raise UserError(
            f"checkpoint '{options.checkpoint}' stops in phase {checkpoint.phase} at step "
            f"{checkpoint.step}; expected one whose decoder has been trained"
        )
    if checkpoint.config.data.is_generated and checkpoint.config.model.pretrained is None:
        rows = neutralise_unused_tokens(checkpoint, SCENES_READ)
        print(f"token embedding: {rows} rows in use")
    out = Path(options.out)
    write_checkpoint(out, checkpoint, half=True)
    print(f"{out}: {out.stat().st_size:,} bytes")
