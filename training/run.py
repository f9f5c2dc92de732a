"""``python -m training.run``: captions in, checkpoint out.

With no arguments it trains the demo model on the generated world from nothing: first a tiny CLIP on
captions, then, with that CLIP frozen, the decoder with MGCA's three grains. Everything goes to
``runs/<name>/``: ``config.json`` (resolved), ``metrics.jsonl``, ``last.pt``. Under ``torchrun`` the
batch is spread over processes (DDP).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from training.allocator import keep_freed_memory
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.config import PhaseConfig, TrainConfig, apply_override, to_dict
from training.data.batches import Batch, streetworld_batches
from training.distributed import Processes
from training.evaluate import Score, evaluate
from training.loop import MetricsLog, PhaseState, run_phase
from training.model.clip import load_clip, tokenizer_for
from training.model.mgca import MgcaModel
from training.objectives import ClipObjective, MgcaObjective
from training.presets import PRESETS, find_config
from training.text_center import measure_text_center

EXAMPLES = """examples:
  python -m training.run                                   the demo model, from nothing
  python -m training.run --config smoke                    every stage once, within two minutes
  python -m training.run --set losses.pixel_weight=0 --set name=no-pixel
  python -m training.run --resume latest                   go on where the newest run stopped
  python -m training.run --train-data 'cc3m/{000..331}.tar' --set model.clip_name=ViT-B-16 \\
                         --set model.pretrained=openai
  torchrun --nproc-per-node 8 -m training.run --config demo
"""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python -m training.run",
        description="Train MGCA: pixel-level image-text alignment from captions alone.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--config",
        default="demo",
        metavar="NAME_OR_FILE",
        help=f"a preset ({', '.join(PRESETS)}) or a JSON file, e.g. --config runs/demo/config.json",
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
        metavar="SHARDS",
        help="webdataset shards with jpg and txt members, e.g. --train-data 'cc3m/{000..331}.tar'",
    )
    parser.add_argument(
        "--resume",
        metavar="latest|FILE",
        help="the newest run's checkpoint, or a file, e.g. --resume runs/demo/last.pt",
    )
    parser.add_argument(
        "--runs", default="runs", metavar="DIR", help="where runs are kept, e.g. --runs /data/runs"
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


def resolve(arguments: argparse.Namespace) -> tuple[TrainConfig, Checkpoint | None]:
    """The configuration to run and the checkpoint to go on from, if any."""
    checkpoint = None
    if arguments.resume:
        path = (
            newest_checkpoint(Path(arguments.runs))
            if arguments.resume == "latest"
            else Path(arguments.resume)
        )
        checkpoint = load_checkpoint(path)
        if checkpoint.optimizer is None and checkpoint.step:
            raise UserError(
                f"checkpoint '{path}' holds no optimiser state: it was made for shipping; "
                "expected a run's last.pt"
            )
        config = checkpoint.config
    else:
        config = find_config(arguments.config)
    for assignment in arguments.overrides:
        config = apply_override(config, assignment)
    if arguments.train_data:
        config = apply_override(config, f"data.shards={json.dumps(arguments.train_data)}")
    return config, checkpoint


class Run:
    """One training run: the model, its folder, and what happens between steps.

    Args:
        config: resolved configuration.
        folder: ``runs/<name>``; made here.
        processes: this process among its peers.
        checkpoint: where to go on, or None.
    """

    def __init__(
        self, config: TrainConfig, folder: Path, processes: Processes, checkpoint: Checkpoint | None
    ) -> None:
        self.config = config
        self.folder = folder
        self.processes = processes
        self.phase = checkpoint.phase if checkpoint else "pretrain"
        self.device = processes.device
        self.progress = processes.is_first and sys.stderr.isatty()
        self.state = PhaseState()
        if checkpoint:
            self.state = PhaseState(checkpoint.step, checkpoint.optimizer, checkpoint.metrics)
        self.generator_state = checkpoint.generator if checkpoint else None
        self.mask_state = checkpoint.mask if checkpoint else None
        if checkpoint:
            self.model = checkpoint.model
        else:
            torch.manual_seed(config.seed)
            self.model = MgcaModel(
                load_clip(config.model.clip_name, config.model.pretrained), config.model
            )
        self.model.to(self.device)
        self.objective: MgcaObjective | None = None
        self.center_tokens: list[Tensor] | None = None
        self.whole_images_from = 0
        if processes.is_first:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "config.json").write_text(json.dumps(to_dict(config), indent=2) + "\n")
            except OSError as error:
                raise UserError(
                    f"run folder '{folder}' cannot be written ({error.strerror}); "
                    "choose another --runs"
                ) from error
        self.log = MetricsLog(folder / "metrics.jsonl" if processes.is_first else None)

    def say(self, line: str) -> None:
        """One line on stdout, above the bar."""
        if self.processes.is_first:
            tqdm.write(line, file=sys.stdout)
            sys.stdout.flush()

    def save(self) -> None:
        """Write ``last.pt``."""
        if not self.processes.is_first:
            return
        objective = self.objective
        save_checkpoint(
            self.folder / "last.pt",
            Checkpoint(
                config=self.config,
                model=self.model,
                phase=self.phase,
                step=self.state.step,
                metrics=self.state.metrics,
                mask=objective.mask.state_dict() if objective else None,
                optimizer=self.state.optimizer,
                generator=objective.generator.get_state() if objective else None,
            ),
        )

    def measure(self, label: str, *, baseline: bool = False) -> dict[str, Score]:
        """Evaluate, print and log."""
        if baseline:
            self.center_text()
        scores = evaluate(self.model, self.config.evaluation, self.config.units, baseline=baseline)
        adaptive, pixel = scores["adaptive"], scores["pixel"]
        self.say(
            f"{label}: mIoU {100 * adaptive.miou:.1f} with adaptive units, "
            f"{100 * pixel.miou:.1f} per pixel"
        )
        values = {"miou_adaptive": adaptive.miou, "miou_pixel": pixel.miou, "iou": adaptive.iou}
        self.log.write(phase=self.phase, step=self.state.step, evaluation=label, **values)
        if not baseline:
            self.state.metrics = values
        return scores

    def between_steps(self, state: PhaseState, config: PhaseConfig) -> None:
        """Save and evaluate when it is time."""
        if self.phase == "pretrain" and state.step >= self.whole_images_from:
            self.model.clip.visual.patch_dropout = nn.Identity()
        if not self.processes.is_first:
            return
        if state.step % self.config.checkpoint_every == 0 and state.step < config.steps:
            self.save()
        every = self.config.evaluation.every
        if every and state.step % every == 0 and state.step < config.steps:
            self.measure(f"{self.phase} step {state.step}", baseline=self.phase == "pretrain")
            self.model.train()
            if self.phase == "pretrain":
                self.model.clip.train()

    def sample_captions(self) -> list[Tensor]:
        """Tokens of the first training scenes' captions, read once."""
        if self.center_tokens is None:
            batches = self.batches(PhaseConfig(steps=8, batch=256), self.config.data.first_seed, 0)
            self.center_tokens = [batch.tokens_jl for batch in batches]
        return self.center_tokens

    def center_text(self) -> None:
        """Set the text centre to the mean caption."""
        self.model.text_center.copy_(measure_text_center(self.model, self.sample_captions()))

    def batches(self, phase: PhaseConfig, first_seed: int, start: int) -> Iterator[Batch]:
        """The phase's batches from step ``start`` on."""
        data = self.config.data
        tokenizer = tokenizer_for(self.model.clip)
        if data.shards:
            from training.data.shards import shard_batches

            return shard_batches(
                shards=data.shards,
                steps=phase.steps - start,
                batch=phase.batch,
                size_wh=data.size_wh,
                seed=self.config.seed + start,
                tokenizer=tokenizer,
                workers=data.workers,
            )
        return streetworld_batches(
            first_seed=first_seed,
            steps=phase.steps,
            start_step=start,
            batch=phase.batch,
            captions=phase.captions,
            size_wh=data.size_wh,
            seed=self.config.seed,
            tokenizer=tokenizer,
            workers=data.workers,
            rank=self.processes.rank,
            world_size=self.processes.count,
        )

    def optimise(self, phase: PhaseConfig, objective: nn.Module, first_seed: int) -> None:
        """Run one phase from the present state to its end."""
        run_phase(
            name=self.phase,
            objective=self.processes.wrap(objective),
            config=phase,
            batches=self.batches(phase, first_seed, self.state.step),
            state=self.state,
            log=self.log,
            on_step=lambda state: self.between_steps(state, phase),
            device=self.device,
            bf16=self.config.precision == "bf16",
            show_progress=self.progress,
        )

    def pretrain(self) -> None:
        """CLIP from nothing, then frozen."""
        config = self.config
        clip = self.model.clip
        clip.requires_grad_(True)
        clip.train()
        clip.visual.patch_dropout = _patch_dropout(config.pretrain.patch_dropout)
        self.whole_images_from = int((1 - config.pretrain.unmasked_share) * config.pretrain.steps)
        self.optimise(
            config.pretrain,
            ClipObjective(clip, config.pretrain.pooling, config.pretrain.match_sharpness),
            config.data.first_seed,
        )
        clip.visual.patch_dropout = nn.Identity()
        clip.requires_grad_(False)
        clip.eval()

    def train_decoder(self) -> None:
        """MGCA on the frozen CLIP."""
        config = self.config
        torch.manual_seed(config.seed + 1)
        self.objective = MgcaObjective(self.model, config.losses, config.seed + 2).to(self.device)
        if self.mask_state is not None:
            self.objective.mask.load_state_dict(self.mask_state)
        if self.generator_state is not None:
            self.objective.generator.set_state(self.generator_state)
        tokens = [tokens_jl.to(self.device) for tokens_jl in self.sample_captions()]
        bank = torch.cat([self.model.encode_text(tokens_jl) for tokens_jl in tokens])
        self.objective.caption_bank_md = bank
        self.model.train()
        # The second phase goes on where the first stopped in the stream of scenes: none is seen
        # twice.
        used = config.pretrain.steps * config.pretrain.batch * self.processes.count
        self.optimise(config.mgca, self.objective, config.data.first_seed + used)

    def execute(self) -> None:
        """All phases, from wherever the run stands."""
        config = self.config
        if self.phase == "pretrain" and config.pretrain.steps and not config.model.pretrained:
            self.pretrain()
            self.save()
        if self.phase == "pretrain":
            self.phase, self.state = "mgca", PhaseState(metrics=self.state.metrics)
            self.measure("CLIP's own dense features", baseline=True)
        if config.mgca.steps:
            self.train_decoder()
            self.measure("MGCA")
        self.save()
        self.say(f"checkpoint: {self.folder / 'last.pt'}")


def _patch_dropout(share: float) -> nn.Module:
    from open_clip.transformer import PatchDropout

    return PatchDropout(share) if share > 0 else nn.Identity()


def train(arguments: Sequence[str]) -> None:
    """Parse, run every phase, and on an interruption save what there is."""
    options = parse_arguments(arguments)
    keep_freed_memory()
    config, checkpoint = resolve(options)
    with Processes(config.device) as processes:
        if config.threads:
            torch.set_num_threads(config.threads)
        run = Run(config, Path(options.runs) / config.name, processes, checkpoint)
        run.say(f"run folder: {run.folder} ({processes.device}, {torch.get_num_threads()} threads)")
        try:
            run.execute()
        except BaseException:
            # Ctrl-C as well as a fault in hour three: what was learned so far is kept.
            if run.state.optimizer is not None:
                run.save()
                run.say(f"saved; go on with --resume {run.folder / 'last.pt'}")
            raise


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code of DESIGN section 2."""
    return run_command("python -m training.run", train, arguments, interrupted="interrupted")


if __name__ == "__main__":
    sys.exit(main())
