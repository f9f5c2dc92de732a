"""``python -m training.checkpoints distill``: a model learns to see small pictures as another sees
large ones.

A picture of two thirds of the size has less than half of the patches, and everything costs less in
proportion. The pupil (a copy of the teacher, or a narrower one) sees a training image at the small
size, the teacher the same image at the large one, and the pupil learns what the teacher's pixels
say: which of the nouns that the batch's captions name (Hinton et al. 2015), and how alike any two
pixels of an image are (Park et al. 2019, relational distillation), which is what units are made of.
Neither asks both for embeddings of one width. Nothing but images and captions is looked at.

Image tower and decoder of the pupil are trained, its text tower stays. What is written lies between
the weights that it began with and those it came to (Wortsman et al. 2022): a short training on one
world forgets a little of what the teacher knew of others.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from runtime.command import CommandParser
from runtime.errors import UserError
from runtime.flag_values import number, size_wh, whole_number
from training.checkpoints.interpolate import interpolate_models
from training.config.optimiser import PhaseConfig
from training.config.run import TrainConfig
from training.config.values import apply_overrides
from training.data.stream import PairStream
from training.engine.allocator import keep_freed_memory
from training.engine.checkpoint import Checkpoint, load_checkpoint, write_checkpoint
from training.engine.distributed import Processes
from training.engine.folder import open_trackers
from training.engine.loop import PhaseState, run_phase
from training.engine.unit_space import find_unit_space
from training.pretrain.distillation import Distillation

EXAMPLE = (
    "python -m training.checkpoints distill --teacher runs/demo/last.pt --size 192x144 "
    "--steps 900 --out runs/swift/last.pt"
)
# Steps between two saved states.
SAVE_EVERY = 100


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.checkpoints distill",
        description="Teach a model to see small pictures as another sees large ones.",
        epilog=f"example:\n  {EXAMPLE}\n",
    )
    add = parser.add_argument
    add("--teacher", required=True, metavar="FILE", help="e.g. --teacher runs/demo/last.pt")
    add("--pupil", metavar="FILE", help="whose weights to begin with; the teacher's by default")
    add("--size", required=True, type=size_wh(16), metavar="WxH", help="what the pupil sees")
    add("--steps", type=whole_number(1), default=1500, help="optimizer steps, 1500")
    add("--batch", type=whole_number(2), default=8, help="images a step, 8")
    add("--learning-rate", type=float, default=1e-4, help="peak of the cosine, 0.0001")
    add("--color-jitter", type=float, default=0.4, help="of what the pupil alone sees, 0.4")
    add(
        "--share",
        type=number(0, 1),
        default=0.5,
        metavar="X",
        help="of the trained weights in what is written, the rest those it began with, 0.5",
    )
    add("--first-seed", type=whole_number(0), default=8_000_000, help="first scene, 8000000")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change a field of the pupil's configuration, e.g. --set units.sharpness=6 (again "
        "for more)",
    )
    add("--out", required=True, metavar="FILE", help="e.g. --out runs/swift/last.pt")
    return parser.parse_args(list(arguments))


def distill(
    teacher: Checkpoint, pupil: Checkpoint, options: argparse.Namespace, out: Path
) -> Checkpoint:
    """Train the pupil; what it has come to is in ``out`` every :data:`SAVE_EVERY` steps.

    Args:
        teacher: whose ``export_size_wh`` says how large it sees its images.
        pupil: where to begin; its model is trained in place.
        options: as :func:`parse_arguments` gives them.
        out: the checkpoint's path.

    Returns:
        The pupil's checkpoint between start and end, with the units' space measured anew.
    """
    processes = Processes("auto")
    config = _configure(teacher, pupil, options)
    model = pupil.model.to(processes.device)
    model.config = config.model
    model.encoder.pooled_blocks = config.model.pooled_blocks  # it needs no other weights
    start = copy.deepcopy(model)
    phase = PhaseConfig(
        steps=options.steps,
        batch=options.batch,
        captions=2,
        learning_rate=options.learning_rate,
        warmup=min(50, options.steps // 10 + 1),
    )

    def on_step(state: PhaseState) -> None:
        if state.step % SAVE_EVERY == 0 and state.step < phase.steps:
            _write(out, pupil, config, processes)

    stream = PairStream(config, model, processes)
    out.parent.mkdir(parents=True, exist_ok=True)
    model.clip.visual.requires_grad_(True)
    run_phase(
        name="distill",
        objective=Distillation(
            teacher.model.to(processes.device),
            model,
            options.size,
            color_jitter=options.color_jitter,
        ),
        config=phase,
        batches=stream.batches(phase, options.first_seed, 0, stream.collate(nouns=True)),
        state=PhaseState(),
        tracker=open_trackers(out.parent, show_progress=True),
        on_step=on_step,
        device=processes.device,
        precision=config.precision,
    )
    model.clip.requires_grad_(False)
    model.clip.visual.conv1.to(memory_format=torch.contiguous_format)
    interpolate_models(start, model, options.share)
    return _write(out, pupil, config, processes)


def _configure(teacher: Checkpoint, pupil: Checkpoint, options: argparse.Namespace) -> TrainConfig:
    """The pupil's configuration: its own size, and the teacher's images."""
    data = dataclasses.replace(
        teacher.config.data, size_wh=teacher.config.export_size_wh, first_seed=options.first_seed
    )
    config = dataclasses.replace(pupil.config, export_size_wh=options.size, data=data)
    return apply_overrides(config, options.overrides)


def _write(out: Path, pupil: Checkpoint, config: TrainConfig, processes: Processes) -> Checkpoint:
    """Measure the units' space at the pupil's size, and write the checkpoint."""
    data = dataclasses.replace(config.data, size_wh=config.export_size_wh)
    small = dataclasses.replace(config, data=data)
    images = PairStream(small, pupil.model, processes).sample_images()
    space = find_unit_space(pupil.model, images, config.units.space_width)
    kept = dataclasses.replace(
        pupil, config=config, unit_space=space, optimizer=None, mask=None, generator=None
    )
    write_checkpoint(out, kept)
    return kept


def run(arguments: Sequence[str]) -> None:
    """Read both, train, write."""
    options = parse_arguments(arguments)
    keep_freed_memory()
    teacher = load_checkpoint(options.teacher)
    pupil = load_checkpoint(options.pupil or options.teacher)
    patch = pupil.model.encoder.patch_size
    if options.size[0] % patch or options.size[1] % patch:
        raise UserError(
            f"--size {options.size[0]}x{options.size[1]} is no multiple of the patch {patch}; "
            f"expected sides such as {options.size[0] // patch * patch}"
        )
    torch.manual_seed(pupil.config.seed)
    distill(teacher, pupil, options, Path(options.out))
    print(f"{options.out}: sees {options.size[0]}x{options.size[1]} pixels")
