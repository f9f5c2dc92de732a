"""``python -m training.checkpoints narrow``: the same model with narrower embeddings.

What a small model says of its pixels fills a few of its directions: the shipped one's pixel
embeddings have 99.9 % of their length in 64 of 128. Everything after the encoder is done once a
pixel and a direction, so narrow embeddings are cheap ones. The directions that are kept are the
principal ones of pixel and text embeddings (PCA, the mean left in: cosines are taken from the
origin), and the projection goes into the last matrices of encoder, decoder and text tower.

Shape legend: d embedding width, r narrower width, b images, h w the decoder's grid, j captions.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from runtime.command import CommandParser
from runtime.errors import UserError
from training.data.batches import normalize_images
from training.data.stream import PairStream
from training.engine.checkpoint import load_checkpoint, write_checkpoint
from training.engine.distributed import Processes
from training.model.clip import activation_of, load_clip
from training.model.mgca import MgcaModel
from training.model.unit_space import UnitSpace

EXAMPLE = (
    "python -m training.checkpoints narrow --from runs/demo/last.pt --clip mgca-narrow "
    "--out runs/swift/narrow.pt"
)
# How much the captions' embeddings count beside the pixels'. Without them words lose up to a
# twentieth of their length, each as much as it likes.
TEXT_SHARE = 0.1


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.checkpoints narrow",
        description="Keep the principal directions of a checkpoint's embeddings.",
        epilog=f"example:\n  {EXAMPLE}\n",
    )
    add = parser.add_argument
    add("--from", required=True, metavar="FILE", dest="trained", help="e.g. runs/demo/last.pt")
    add("--clip", required=True, metavar="NAME", help="narrower CLIP, e.g. --clip mgca-narrow")
    add("--out", required=True, metavar="FILE", help="e.g. --out runs/swift/narrow.pt")
    return parser.parse_args(list(arguments))


@torch.no_grad()
def principal_directions(
    model: MgcaModel, images: Iterable[Tensor], captions: Iterable[Tensor], width: int
) -> Tensor:
    """The directions that pixel and text embeddings lie in most.

    Args:
        model: in eval mode.
        images: batches, uint8 (b, h, w, 3).
        captions: token ids, int64 (j, context) each.
        width: r.

    Returns:
        (d, r), columns orthonormal, the first direction first.
    """
    d = model.encoder.embedding_width
    moments = {"pixels": torch.zeros(d, d), "text": torch.zeros(d, d)}
    for images_bhw3 in images:
        pixels_dn = model.pixel_embeddings(normalize_images(images_bhw3)).transpose(0, 1).flatten(1)
        moments["pixels"] += pixels_dn @ pixels_dn.T
    for tokens_jl in captions:
        text_jd = model.encode_text(tokens_jl)
        moments["text"] += text_jd.T @ text_jd
    pixels_dd, text_dd = (moment / moment.trace() for moment in moments.values())
    _, directions_dd = torch.linalg.eigh((1 - TEXT_SHARE) * pixels_dd + TEXT_SHARE * text_dd)
    return directions_dd.flip(1)[:, :width].contiguous()


@torch.no_grad()
def narrow_model(model: MgcaModel, clip_name: str, directions_dr: Tensor) -> MgcaModel:
    """A model whose embeddings are ``model``'s in ``directions_dr``.

    Args:
        model: trained; unchanged.
        clip_name: an open_clip name that differs from the model's in its embedding width alone.
        directions_dr: (d, r), columns orthonormal.

    Returns:
        The narrower model, on the CPU, frozen.

    Raises:
        UserError: a CLIP that differs in more.
    """
    clip = load_clip(clip_name, activation=activation_of(model.clip))
    state = dict(model.clip.state_dict())
    for name in ("visual.proj", "text_projection"):
        state[name] = state[name] @ directions_dr
    try:
        clip.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"--clip {clip_name} differs from {model.config.clip_name} in more than the width of "
            f"its embeddings ({str(error).splitlines()[1].strip()}); expected the same towers"
        ) from error
    narrow = MgcaModel(clip, dataclasses.replace(model.config, clip_name=clip_name))
    weights = dict(model.decoder.state_dict())
    for stage in ("stage1", "stage2"):
        # The gate goes into the layer before it: it is one number a direction, and those change.
        gate_d = weights[f"{stage}.gate"].flatten()
        for name in (f"{stage}.speak.weight", f"{stage}.speak.bias"):
            gated = weights[name].flatten(1) if weights[name].ndim > 1 else weights[name][:, None]
            turned = directions_dr.T @ (gate_d[:, None] * gated)
            weights[name] = turned.reshape(-1, *weights[name].shape[1:])
        weights[f"{stage}.gate"] = torch.ones(directions_dr.shape[1], 1, 1)
    narrow.decoder.load_state_dict(weights)
    narrow.text_center.copy_(model.text_center @ directions_dr)
    return narrow.eval()


def run(arguments: Sequence[str]) -> None:
    """Read, narrow, write."""
    options = parse_arguments(arguments)
    trained = load_checkpoint(options.trained)
    model = trained.model
    width = load_clip(options.clip).visual.output_dim
    if width >= model.encoder.embedding_width:
        raise UserError(
            f"--clip {options.clip} has embeddings of width {width}, the checkpoint's "
            f"{model.encoder.embedding_width}; expected a narrower one"
        )
    stream = PairStream(trained.config, model, Processes("cpu"))
    directions_dr = principal_directions(
        model, stream.sample_images(), stream.sample_captions(), width
    )
    narrow = narrow_model(model, options.clip, directions_dr)
    space = trained.unit_space
    if space is not None:
        projection = directions_dr.T @ space.projection_dr
        space = UnitSpace(space.center_d @ directions_dr, projection)
    config = dataclasses.replace(trained.config, model=narrow.config)
    out = dataclasses.replace(trained, config=config, model=narrow, unit_space=space)
    write_checkpoint(Path(options.out), dataclasses.replace(out, optimizer=None, mask=None))
    print(f"{options.out}: embeddings of width {width}, {model.encoder.embedding_width} before")
