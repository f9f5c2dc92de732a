"""``python -m training.run``: captions in, checkpoint out.

With no arguments it trains the demo model on the generated world from nothing: first a tiny CLIP on
captions, leg by leg, then, with that CLIP frozen, the decoder with MGCA's three grains. Everything
goes to ``runs/<name>/``: ``config.json`` (resolved), ``metrics.jsonl``, ``last.pt``. Under
``torchrun`` every process takes batches of its own (DDP).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from runtime.command import CommandParser, run_command
from runtime.errors import MgcaError, UserError
from training.config.legs import check_legs, reach
from training.config.run import TrainConfig
from training.config.values import apply_overrides
from training.engine.allocator import keep_freed_memory
from training.engine.checkpoint import Checkpoint, load_checkpoint
from training.engine.distributed import Processes
from training.engine.loop import Stopped
from training.engine.precision import precision_on
from training.engine.remote import (
    RemoteRun,
    fetch_checkpoint,
    is_address,
    newest_remote,
    working_folder,
)
from training.engine.tensorboard import has_tensorboard
from training.engine.trainer import Run
from training.model.mgca import ModelConfig, with_names_as
from training.recipes.registry import describe_recipes, find_config, recipe_names

EXAMPLES = """examples:
  python -m training.run                                   the demo model, from nothing
  python -m training.run --config runs/demo/config.json    the same settings again
  python -m training.run --config smoke                    every stage once, within two minutes
  python -m training.run --set losses.pixel_weight=0 --set name=no-pixel
  python -m training.run --set legs.singles.pretrain.steps=500     another length of one leg
  python -m training.run --resume latest                   go on where the newest run stopped
  python -m training.run --config mgca --train-data photos/captions.tsv
  python -m training.run --config mgca --train-data 'cc3m/{00000..00331}.tar'
  torchrun --nproc-per-node 8 -m training.run --config demo
"""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.run",
        description="Train MGCA: pixel-level image-text alignment from captions alone.",
        epilog=f"{EXAMPLES}\nrecipes:\n{describe_recipes()}",
    )
    parser.add_argument(
        "--config",
        default="demo",
        metavar="NAME_OR_FILE",
        help=f"a recipe ({', '.join(recipe_names())}) or a JSON file, e.g. --config smoke",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one field, e.g. --set mgca.steps=500 (again for more)",
    )
    parser.add_argument(
        "--train-data",
        metavar="TSV_OR_SHARDS",
        help="a table of captions beside its pictures, e.g. --train-data photos/captions.tsv, or "
        "webdataset shards of pictures with txt or json captions, e.g. --train-data "
        "'cc3m/{00000..00331}.tar'",
    )
    parser.add_argument(
        "--resume",
        metavar="latest|FILE",
        help="the newest run's checkpoint, or a file, e.g. --resume runs/demo/last.pt",
    )
    parser.add_argument(
        "--runs",
        default="runs",
        metavar="DIR_OR_ADDRESS",
        help="where runs are kept: a folder, or an address of fsspec's, e.g. --runs s3://bucket/runs",
    )
    parser.add_argument(
        "--until",
        type=int,
        metavar="STEP",
        help="stop after this step of the leg at hand, to go on later, e.g. --until 850",
    )
    return parser.parse_args(list(arguments))


def newest_checkpoint(runs: Path) -> Path:
    """The ``last.pt`` written last below ``runs``.

    Raises:
        UserError: there is none.
    """
    found = sorted(runs.glob("*/last.pt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UserError(
            f"--resume latest: no last.pt below '{runs}/'; expected a run that saved one; "
            "start without --resume"
        )
    return found[-1]


NO_TENSORBOARD = "no TensorBoard: pip install tensorboard; metrics.jsonl has all figures"


def find_latest(runs: str) -> Path:
    """The newest checkpoint below a folder or an address, on this machine."""
    if is_address(runs):
        return fetch_checkpoint(newest_remote(runs))
    return newest_checkpoint(Path(runs))


def train_data_overrides(train_data: str) -> list[str]:
    """What ``--train-data`` sets: a table of captions by its ending, else shards."""
    is_table = Path(train_data).suffix.lower() in (".tsv", ".csv")
    chosen, other = ("captions", "shards") if is_table else ("shards", "captions")
    return [f"data.{chosen}={json.dumps(train_data)}", f"data.{other}=null"]


def resolve(arguments: argparse.Namespace) -> tuple[TrainConfig, Checkpoint | None]:
    """The configuration to run and the checkpoint to go on from, if any."""
    checkpoint = None
    if arguments.resume:
        path = (
            find_latest(arguments.runs)
            if arguments.resume == "latest"
            else fetch_checkpoint(arguments.resume)
            if is_address(arguments.resume)
            else Path(arguments.resume)
        )
        checkpoint = load_checkpoint(path, to_resume=True)
        if checkpoint.optimizer is None and checkpoint.step:
            raise UserError(
                f"checkpoint '{path}' holds no optimiser state: it was made for shipping; "
                "expected a run's last.pt"
            )
        config = checkpoint.config
        if arguments.until is not None and arguments.until <= checkpoint.step:
            raise UserError(
                f"--until {arguments.until}: '{path}' is at step {checkpoint.step} of its leg "
                "already; expected a later step"
            )
    else:
        config = find_config(arguments.config)
    overrides = list(arguments.overrides)
    if arguments.train_data:
        overrides += train_data_overrides(arguments.train_data)
    config = apply_overrides(config, overrides)
    check_legs(config)
    if checkpoint:
        refit_model(checkpoint, reach(config, checkpoint.phase).model)
    return config, checkpoint


def refit_model(checkpoint: Checkpoint, wanted: ModelConfig) -> None:
    """Give a resumed model the settings that need no other weights.

    Raises:
        UserError: a setting that its weights do not fit.
    """
    built = checkpoint.config.model
    fitting = with_names_as(built, wanted)
    if wanted != fitting:
        changed = [
            f"model.{field.name} is {getattr(built, field.name)!r} in the checkpoint, "
            f"{getattr(wanted, field.name)!r} was asked for"
            for field in dataclasses.fields(built)
            if getattr(wanted, field.name) != getattr(fitting, field.name)
        ]
        raise UserError(
            f"--resume: {'; '.join(changed)}; expected the model that was trained (only "
            "model.prompts and model.center_text can change); start without --resume"
        )
    checkpoint.model.config = wanted


def train(arguments: Sequence[str]) -> None:
    """Parse, run every phase, and on an interruption save what there is."""
    options = parse_arguments(arguments)
    keep_freed_memory()
    config, checkpoint = resolve(options)
    with Processes(config.device) as processes:
        if config.threads:
            torch.set_num_threads(config.threads)
        away = is_address(options.runs)
        folder = (working_folder(options.runs) if away else Path(options.runs)) / config.name
        remote = None
        if away and processes.is_first:
            remote = RemoteRun(f"{options.runs.rstrip('/')}/{config.name}", folder, print)
            if checkpoint is not None:
                remote.fetch_record()
        run = Run(config, folder, processes, checkpoint, options.until)
        run.remote = remote
        precision = precision_on(processes.device, config.precision)
        run.say(
            f"run folder: {run.folder} ({processes.device}, {torch.get_num_threads()} threads, "
            f"{precision})"
        )
        if precision != config.precision:
            run.say(f"{processes.device} does not compute in {config.precision}: {precision}")
        if config.log.tensorboard and not has_tensorboard():
            run.say(NO_TENSORBOARD)
        execute(run)


def execute(run: Run) -> None:
    """Run every leg; whatever ends it, save what there is and let the trackers go."""
    try:
        run.execute()
    except Stopped:
        run.save()
        run.say(f"stopped at step {run.state.step}; go on with --resume {run.last}")
    except BaseException as reason:
        # Ctrl-C as well as a fault in hour three: what was learned so far is kept.
        if run.state.optimizer is not None:
            save_what_there_is(run, reason)
        raise
    finally:
        run.trackers.close()
    if run.remote is not None:
        run.remote.send_all()


def save_what_there_is(run: Run, reason: BaseException) -> None:
    """Save before the run ends for a reason, which stays the one that is told."""
    try:
        run.save()
    except MgcaError as error:
        if type(error) is not type(reason):  # else it ends because it could not save
            run.say(str(error))
    else:
        run.say(f"saved; go on with --resume {run.last}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code of DESIGN section 2."""
    return run_command("python -m training.run", train, arguments, interrupted="interrupted")


if __name__ == "__main__":
    sys.exit(main())
