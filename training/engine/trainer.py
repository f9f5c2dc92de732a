"""One training run: the model, its folder, and what happens before, between and after the steps."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from runtime.errors import UserError
from training.config.schema import PhaseConfig, TrainConfig
from training.config.values import to_dict
from training.data.batches import Collate
from training.data.stream import PairStream
from training.engine.checkpoint import Checkpoint, save_checkpoint
from training.engine.distributed import Processes
from training.engine.ema import RunningAverage
from training.engine.evaluation import Score, evaluate
from training.engine.loop import MetricsLog, PhaseState, run_phase
from training.engine.text_center import measure_text_center
from training.engine.unit_space import measure_unit_space, view_images
from training.losses.objective import MgcaObjective
from training.model.clip import load_clip
from training.model.mgca import MgcaModel
from training.model.unit_space import UnitSpace
from training.pretrain.objective import ClipObjective
from training.pretrain.teacher import NounTeacher


class Stopped(Exception):
    """The step at which the run was to stop has been done."""


class Run:
    """One training run: the model, its folder, and what happens between steps.

    Args:
        config: resolved configuration.
        folder: ``runs/<name>``; made here.
        processes: this process among its peers.
        checkpoint: where to go on, or None.
        until: step of the present phase after which to stop with :class:`Stopped`; None: go on.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        processes: Processes,
        checkpoint: Checkpoint | None,
        until: int | None = None,
    ) -> None:
        self.config = config
        self.until = until
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
        self.unit_space = checkpoint.unit_space if checkpoint else None
        if checkpoint:
            self.model = checkpoint.model
        else:
            torch.manual_seed(config.seed)
            self.model = MgcaModel(
                load_clip(config.model.clip_name, config.model.pretrained), config.model
            )
        self.model.to(self.device)
        self.stream = PairStream(config, self.model, processes)
        self.objective: MgcaObjective | None = None
        self.clip_objective: ClipObjective | None = None
        self.average: RunningAverage | None = None
        self.average_state = checkpoint.average if checkpoint else None
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
                unit_space=self.unit_space,
                average=self.average.clip.state_dict() if self.average else None,
                optimizer=self.state.optimizer,
                generator=objective.generator.get_state() if objective else None,
            ),
        )

    def measure(self, label: str, *, baseline: bool = False) -> dict[str, Score]:
        """Evaluate, print and log."""
        if baseline:
            self.center_text()
        space = self.find_unit_space(baseline=baseline)
        scores = evaluate(
            self.model,
            self.config.evaluation,
            self.config.units,
            space=space,
            baseline=baseline,
        )
        if not baseline:
            self.unit_space = space
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
        if self.clip_objective and state.step >= self.whole_images_from:
            self.clip_objective.patch_dropout = 0.0
        if self.average:
            self.average.update(self.model.clip)
        if state.step == self.until:
            raise Stopped
        if not self.processes.is_first:
            return
        if state.step % self.config.checkpoint_every == 0 and state.step < config.steps:
            self.save()
        every = self.config.evaluation.every
        if every and state.step % every == 0 and state.step < config.steps:
            with self.average.lent_to(self.model.clip) if self.average else nullcontext():
                self.measure(f"{self.phase} step {state.step}", baseline=self.phase == "pretrain")
            self.model.train()
            if self.phase == "pretrain":
                self.model.clip.train()

    def center_text(self) -> None:
        """Set the text centre to the mean caption, where the model is to be centred."""
        if not self.config.model.center_text:
            return
        self.model.text_center.copy_(measure_text_center(self.model, self.stream.sample_captions()))

    def find_unit_space(self, *, baseline: bool) -> UnitSpace | None:
        """Where this model's pixels gather into units, measured on the first training images.

        Args:
            baseline: of CLIP's own dense features instead of the decoder's.
        """
        width = self.config.units.space_width
        if not width:
            return None
        self.model.eval()
        embed = self.model.baseline_embeddings if baseline else self.model.pixel_embeddings
        space = measure_unit_space(
            view_images(embed, self.stream.sample_images()),
            width=self.model.encoder.embedding_width,
            space_width=width,
        )
        return space.to(self.device)

    def optimise(
        self, phase: PhaseConfig, objective: nn.Module, first_seed: int, collate: Collate
    ) -> None:
        """Run one phase from the present state to its end."""
        run_phase(
            name=self.phase,
            objective=self.processes.wrap(objective),
            config=phase,
            batches=self.stream.batches(phase, first_seed, self.state.step, collate),
            state=self.state,
            log=self.log,
            on_step=lambda state: self.between_steps(state, phase),
            device=self.device,
            precision=self.config.precision,
            show_progress=self.progress,
        )

    def pretrain(self) -> None:
        """CLIP from nothing, then frozen."""
        config = self.config
        self.stream.check_mosaic(config.pretrain.frame_tiles, config.data.first_seed)
        clip = self.model.clip
        clip.requires_grad_(True)
        clip.train()
        self.whole_images_from = int((1 - config.pretrain.unmasked_share) * config.pretrain.steps)
        if config.pretrain.average_steps:
            self.average = RunningAverage(clip, config.pretrain.average_steps)
            if self.average_state is not None:
                self.average.clip.load_state_dict(self.average_state)
        teacher = None
        if config.pretrain.teacher == "average":
            if self.average is None:
                raise UserError(
                    "pretrain.teacher is the running average, pretrain.average_steps is 0: none is "
                    "kept; expected e.g. --set pretrain.average_steps=300"
                )
            teacher = NounTeacher(self.average.clip)
        elif config.pretrain.teacher:
            teacher = NounTeacher.from_checkpoint(config.pretrain.teacher, self.device)
        self.clip_objective = ClipObjective(clip, config.pretrain, teacher)
        if self.state.step >= self.whole_images_from:
            self.clip_objective.patch_dropout = 0.0
        self.optimise(
            config.pretrain,
            self.clip_objective,
            config.data.first_seed,
            self.stream.collate(nouns=config.pretrain.noun_weight > 0),
        )
        self.clip_objective = None
        if self.average:
            clip.load_state_dict(self.average.clip.state_dict())
            self.average = None
        # The layout a resumed run finds its weights in: another one rounds otherwise.
        clip.visual.conv1.to(memory_format=torch.contiguous_format)
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
        tokens = [tokens_jl.to(self.device) for tokens_jl in self.stream.sample_captions()]
        bank = torch.cat([self.model.encode_text(tokens_jl) for tokens_jl in tokens])
        self.objective.caption_bank_md = bank
        self.model.train()
        # The second phase goes on where the first stopped in the stream of scenes.
        self.optimise(
            config.mgca,
            self.objective,
            self.stream.seed_after(config.pretrain),
            self.stream.collate(nouns=config.losses.needs_nouns),
        )

    def execute(self) -> None:
        """All phases, from wherever the run stands."""
        config = self.config
        if self.phase == "pretrain" and config.pretrain.steps and not config.model.pretrained:
            self.pretrain()
            self.save()
        elif self.phase == "pretrain" and self.average_state is not None:
            # A run stopped in pre-training that goes on with MGCA at once.
            self.model.clip.load_state_dict(self.average_state)
        if self.phase == "pretrain":
            self.phase, self.state = "mgca", PhaseState(metrics=self.state.metrics)
            self.measure("CLIP's own dense features", baseline=True)
        if config.mgca.steps:
            self.train_decoder()
            self.measure("MGCA")
        self.save()
        self.say(f"checkpoint: {self.folder / 'last.pt'}")
