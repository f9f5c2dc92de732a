"""``python -m benchmarks.mgca_steps``: what stored features, and portions of a batch, are worth.

MGCA's steps on a CLIP of random weights and pictures of noise, by the recipe ``mgca``: samples a
second with the frozen towers asked at every step and with their answers stored
(``data.cache_features``), steps of both in turns in one process; then memory and time of one batch
computed as a whole and in portions (``mgca.accumulate``), each in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.record.files import check_writable, write_json
from benchmarks.record.measurement import describe_measurement, run_measurement
from runtime.command import CommandParser
from runtime.errors import MgcaError
from runtime.flag_values import whole_number

PROG = "python -m benchmarks.mgca_steps"
WORDS = ("dog", "cat", "man", "street", "car", "tree", "ball", "sea")


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Measure MGCA's steps with stored features and in portions of a batch.",
        epilog=f"example:\n  {PROG} --clip ViT-B-16 --json steps.json",
    )
    parser.add_argument("--clip", default="ViT-B-16", help="its architecture (ViT-B-16)")
    parser.add_argument("--size", type=whole_number(16), default=224, help="of pictures (224)")
    parser.add_argument("--batch", type=whole_number(2), default=8, help="pictures a step (8)")
    parser.add_argument("--steps", type=whole_number(1), default=7, help="timed of each kind (7)")
    parser.add_argument("--threads", type=whole_number(1), default=1, help="of torch (1)")
    parser.add_argument(
        "--large", type=whole_number(2), default=32, help="pictures of a batch in portions (32)"
    )
    parser.add_argument("--portions", default="1,2,4,8", help="of a batch (1,2,4,8)")
    parser.add_argument("--only", type=whole_number(1), help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def write_pairs(folder: Path, count: int, size: int) -> str:
    """Pictures of noise with a caption each; the path of their table."""
    random = np.random.default_rng(0)
    lines = ["image\tcaption"]
    for number in range(count):
        picture_hw3 = random.integers(0, 256, (size, size, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), picture_hw3)
        lines.append(f"{number}.jpg\ta {WORDS[number % 8]} beside a {WORDS[number // 8 % 8]}")
    (folder / "captions.tsv").write_text("\n".join(lines) + "\n")
    return str(folder / "captions.tsv")


def make_step(options: argparse.Namespace, folder: Path, views: int, portions: int) -> Callable:
    """A function that reads a batch and takes a step on it; its first call fills the store."""
    import torch

    from training.data.stream import PairStream
    from training.engine.distributed import Processes
    from training.engine.frozen import freeze_encoder
    from training.engine.loop import _step, build_optimizer
    from training.engine.phases import DecoderTraining
    from training.engine.portions import PortionedBackward
    from training.engine.precision import autocast_on
    from training.model.mgca import MgcaModel, ModelConfig, load_towers
    from training.recipes.registry import find_config

    torch.manual_seed(0)
    recipe = find_config("mgca")
    config = dataclasses.replace(
        recipe,
        model=ModelConfig(clip_name=options.clip),
        data=dataclasses.replace(
            recipe.data,
            captions=str(folder / "captions.tsv"),
            size_wh=(options.size, options.size),
            workers=0,
            cache_features=views,
            cache_dir=str(folder / "features"),
        ),
        losses=dataclasses.replace(recipe.losses, tile_mixing=((1, 1), (1, 1))),
        mgca=dataclasses.replace(recipe.mgca, batch=options.batch, accumulate=portions),
    )
    model, processes = MgcaModel(load_towers(config.model), config.model), Processes("cpu")
    training = DecoderTraining(model, config, processes)
    stream = PairStream(config, model, processes)
    if views:
        stream.encoder = freeze_encoder(model, processes.device, config.precision)
    batches: Iterator[Any] = iter(stream.batches(config.mgca, 0, 0, stream.collate(nouns=False)))
    optimizer = build_optimizer(training.objective, config.mgca)
    trained = [one for one in training.objective.parameters() if one.requires_grad]
    backward, autocast = (
        PortionedBackward(processes, portions),
        autocast_on(processes.device, config.precision),
    )

    def step() -> float:
        started = time.perf_counter()
        backward(training.objective, next(batches), autocast)
        _step(optimizer, trained, 1.0)
        return time.perf_counter() - started

    return step


def measure_portions(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Memory of a batch in ``options.only`` portions, in this process, and its fastest step: other
    programs' load makes steps slower, never faster.
    """
    step = make_step(options, folder, 0, options.only)
    before, peak, done = resident_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    step()
    seconds = [step() for _ in range(3)]
    done.set()
    watcher.join()
    return {"fastest_step_s": min(seconds), "memory_mb": peak[0] - before}


def resident_mb() -> float:
    """Memory of this process in MB, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def in_own_process(options: argparse.Namespace, portions: int) -> dict[str, Any]:
    """:func:`measure_portions` of a process that has done nothing else."""
    command = [sys.executable, "-m", "benchmarks.mgca_steps", "--only", str(portions)]
    command += ["--batch", str(options.large)]
    for flag in ("clip", "size", "threads"):
        command += [f"--{flag}", str(getattr(options, flag))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MgcaError(f"the measurement failed: {done.stderr.strip()[-300:]}")
    return {"portions": portions, **json.loads(done.stdout.splitlines()[-1])}


def measure(options: argparse.Namespace) -> None:
    """Measure, print, write the JSON."""
    check_writable(options.json)
    import torch

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_pairs(folder, 2 * options.batch, options.size)
        if options.only:
            print(json.dumps(measure_portions(options, folder)))
            return
        asked, stored = (make_step(options, folder, views, 1) for views in (0, 1))
        asked(), stored()
        seconds = [(asked(), stored()) for _ in range(options.steps)]
    asked_s, stored_s = (statistics.median(one) for one in zip(*seconds, strict=True))
    record = {
        "samples_s": {"asked": options.batch / asked_s, "stored": options.batch / stored_s},
        "stored_against_asked": statistics.median(a / b for a, b in seconds),
        "portions": [in_own_process(options, int(one)) for one in options.portions.split(",")],
        **describe_measurement(options, "torch"),
    }
    rates = record["samples_s"]
    print(
        f"samples a second: {rates['asked']:.2f} with the towers asked, {rates['stored']:.2f} "
        f"with their answers stored ({record['stored_against_asked']:.2f} times as many)"
    )
    for one in record["portions"]:
        cost = f"{one['memory_mb']:.0f} MB more, {one['fastest_step_s']:.1f} s"
        print(f"{one['portions']} portions: {cost}")
    if options.json:
        write_json(options.json, record)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_measurement(build_parser(), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
