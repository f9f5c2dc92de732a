"""The command line of ``python -m export``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from export.targets.device_jobs import (
    add_device_flags,
    check_devices,
    finish_for_devices,
    read_device_flags,
)
from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from runtime.flag_values import number, size_wh, whole_number, whole_numbers

if TYPE_CHECKING:
    from export.settings import ExportSettings

LARGEST_SIDE = 4096
EXAMPLES = """\
examples:
  python -m export --out bundles/mine                        the newest run, else the demo model
  python -m export --checkpoint runs/a/last.pt --out bundles/a --precision fp32,int8
  python -m export --training-free --clip ViT-B-16 --pretrained openai --out bundles/b16
  python -m export --out bundles/mine --calibration my_frames --vocabulary my_words.txt
  python -m export --out bundles/mine --trt fp16             also a TensorRT engine on this GPU

Each precision becomes a bundle of its own: the first one named is OUT, every further one stands
beside it as OUT-fp16, OUT-int8. Nothing is written unless every one of them passes the parity gate.
"""


def build_parser() -> CommandParser:
    """Return the parser; it raises a UserError instead of printing its usage."""
    parser = CommandParser(
        prog="python -m export",
        description="Turn a checkpoint, or CLIP alone, into a bundle that the runtime runs.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--out",
        type=_path,
        metavar="DIR",
        required=True,
        help="the bundle's folder (an older bundle there is replaced)",
    )
    _add_source_flags(parser)
    _add_graph_flags(parser)
    _add_text_flags(parser)
    _add_parity_flags(parser)
    add_device_flags(parser)
    return parser


def parse_arguments(arguments: Sequence[str]) -> ExportSettings:
    """Parse arguments.

    Raises:
        UserError: naming the flag and what it takes.
    """
    options = build_parser().parse_args(arguments)
    from export.idle_flags import refuse_always_fp32, refuse_idle_flags
    from export.settings import ExportSettings, parse_opset, parse_precisions, parse_stages
    from runtime.text.template_sets import OWN, read_templates

    _refuse_two_sources(options)
    devices = read_device_flags(options)
    precisions = devices.precisions(parse_precisions(options.precision))
    keep_fp32 = () if options.keep_fp32 is None else parse_stages(options.keep_fp32)
    refuse_idle_flags(options, precisions)
    refuse_always_fp32(keep_fp32)
    return ExportSettings(
        out=options.out,
        checkpoint=options.checkpoint,
        training_free=options.training_free,
        clip=options.clip or "ViT-B-16",
        pretrained=options.pretrained or "openai",
        activation=options.activation,
        tokenizer=options.tokenizer,
        dense=options.dense,
        edge_stages=not options.no_edge_stages,
        position_resize=options.position_resize or "size",
        precisions=precisions,
        size_wh=options.size,
        refine=options.refine,
        pamr_dilations=options.pamr_dilations,
        opset=parse_opset(options.opset),
        crop_wh=options.crop,
        stride=options.stride,
        vocabulary=options.vocabulary,
        templates=read_templates(options.templates or OWN),
        store_weights=options.store_weights,
        token_table=None if options.no_text_encoder else options.token_table or "int8",
        calibration=options.calibration,
        frames=options.frames,
        min_agreement=options.min_agreement,
        gate=options.gate or "labels",
        keep_fp32=keep_fp32,
        auto_fallback=options.auto_fallback,
        devices=devices,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run an export and return the exit code (0, 1, 2 or 130)."""
    interrupted = "interrupted; nothing was replaced"
    return run_command("export", _run, arguments, interrupted=interrupted)


def _run(arguments: Sequence[str]) -> None:
    settings = parse_arguments(arguments)
    check_devices(settings.devices)
    from export.job import export_bundles

    bundles = export_bundles(settings)
    for path in bundles:
        print(path, flush=True)
    finish_for_devices(bundles, settings.devices)


def _add_source_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--checkpoint",
        type=_path,
        metavar="FILE",
        help="default: the newest last.pt under runs/, else the shipped demo's",
    )
    add(
        "--training-free",
        action="store_true",
        help="no checkpoint: CLIP's own dense features and adaptive units",
    )
    add("--clip", metavar="NAME", help="open_clip's model name (training-free; default ViT-B-16)")
    add(
        "--pretrained",
        metavar="TAG|FILE",
        help="open_clip's weights tag or a local file (default openai)",
    )
    add(
        "--activation",
        choices=("quickgelu", "gelu"),
        help="what the weights of a local file were trained with, where it does not say",
    )
    add(
        "--tokenizer",
        type=_path,
        metavar="FILE",
        help="tokenizer.json of a text tower whose tokenizer is not CLIP's (SigLIP's; default: "
        "Hugging Face's cache)",
    )
    add(
        "--dense",
        choices=("tokens", "maskclip", "clearclip", "sclip", "naclip", "sc-clip", "sfp"),
        help="how CLIP gives dense features (docs/training-free.md; default: the checkpoint's, or "
        "sc-clip; tokens of towers that average their patches)",
    )
    add(
        "--no-edge-stages",
        action="store_true",
        help="of a pair of towers: leave out the decoder's stages on fine grids, a third of its "
        "time, and leave edges to units",
    )
    add(
        "--position-resize",
        choices=("size", "scale-factor", "antialias"),
        help="how position embeddings are stretched to the frame's patches (training-free; default "
        "size)",
    )


def _add_graph_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--size",
        type=size_wh(most=LARGEST_SIDE),
        metavar="WxH",
        help="the frame size the graph takes, e.g. 640x352 (default: the checkpoint's)",
    )
    add(
        "--crop",
        type=size_wh(most=LARGEST_SIDE),
        metavar="WxH",
        help="see the frame in windows of this size, batched in the graph: --size 448x336 --crop "
        "224x224 --stride 112 (docs/export.md; default: as a whole)",
    )
    add(
        "--stride",
        type=whole_number(1),
        metavar="N",
        help="pixels from one window to the next (default: half the crop's shorter side)",
    )
    add(
        "--precision",
        metavar="LIST",
        default="fp32",
        help="fp32, fp16, int8, int8-static (QDQ), or several: fp32,int8",
    )
    add(
        "--refine",
        choices=("units", "pamr", "none"),
        default="units",
        help="what the scores of a pixel are read from: adaptive units, its own refined by colors "
        "(PAMR), or its own (default units)",
    )
    add(
        "--pamr-dilations",
        type=whole_numbers,
        metavar="LIST",
        help="distances of PAMR's neighbors, in pixels of the grid (default 1,2,4,8,12,24, as TCL)",
    )
    add("--opset", metavar="N", default="20", help="ONNX operator set, 18 to 20 (default 20)")
    add(
        "--keep-fp32",
        metavar="STAGES",
        help="stages that stay in fp32: encoder, decoder; encoder.attention, encoder.mlp",
    )


def _add_text_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--vocabulary",
        type=_path,
        metavar="FILE",
        help="names to store ready encoded, one a line (default: the model's words)",
    )
    add(
        "--templates",
        metavar="NAME|FILE",
        help="what names are put into: streetworld, captions, both, seen, words, openai (7), "
        "imagenet (80), tcl (9), or a file with a template a line, {} for the name (default: the "
        "model's own)",
    )
    add(
        "--no-text-encoder",
        action="store_true",
        help="leave the text encoder out: stored names only",
    )
    add(
        "--token-table",
        choices=("int8", "fp16", "fp32"),
        help="how token embeddings are stored, and of a sentence encoder all matrices "
        "(default int8)",
    )
    add(
        "--store-weights",
        choices=("fp32", "fp16", "int16"),
        default="fp32",
        help="fp16, int16: weights of the frames' graph take half the bytes, computing stays as "
        "it is; int16 with a scale a channel rounds less, TensorRT does not read it",
    )


def _add_parity_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--calibration",
        type=_path,
        metavar="DIR",
        help="images to measure parity on (default: the generated demo clip)",
    )
    add(
        "--frames",
        type=whole_number(1),
        metavar="N",
        default=12,
        help="how many frames to measure parity on (default 12)",
    )
    add(
        "--min-agreement",
        type=number(0.0, 1.0),
        metavar="SHARE",
        help="label agreement to demand, 0 to 1 (default: by precision)",
    )
    add(
        "--gate",
        choices=("labels", "cosine"),
        help="judge by labels (default), or by cosines (random weights)",
    )
    add(
        "--auto-fallback",
        action="store_true",
        help="keep stages that fail the gate in fp32 instead of stopping",
    )


def _refuse_two_sources(options: argparse.Namespace) -> None:
    if options.training_free:
        if options.checkpoint is not None:
            raise UserError("--training-free takes no --checkpoint; give one of the two")
        return
    for flag in ("clip", "pretrained", "activation", "tokenizer", "position_resize"):
        if getattr(options, flag) is not None:
            name = flag.replace("_", "-")
            raise UserError(
                f"--{name} needs --training-free; a checkpoint already names its own CLIP"
            )


def _path(text: str) -> Path:
    return Path(text).expanduser()
