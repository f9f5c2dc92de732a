"""One decoder trained for one row and one seed, by the project's own training run.

Seed s of every row draws the same scenes, the same captions, the same tiles and the same first
weights; scenes of different seeds, and of CLIP's pre-training, never meet.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.ablation.grounded import GroundedObjective
from benchmarks.ablation.rows import Row
from training.config.optimiser import PhaseConfig
from training.config.run import TrainConfig
from training.data.batches import Batch, Collate
from training.data.stream import PairStream, PhaseSize
from training.engine.checkpoint import Checkpoint, save_checkpoint
from training.engine.distributed import Processes
from training.engine.loop import PhaseState
from training.engine.precision import autocast_on
from training.engine.trainer import Run
from training.model.mgca import MgcaModel, ModelConfig

PROBE_AT = (0.2, 1.0)  # shares of the steps after which gradients are looked at
CHECKPOINT = "last.pt"


def configure(
    base: TrainConfig, row: Row, seed: int, phase: dict[str, int], workers: int
) -> TrainConfig:
    """The configuration of one trial.

    Args:
        base: the checkpoint's, with the user's changes.
        row: switches terms off.
        seed: of the pair; see the module.
        phase: ``steps`` and ``batch``.
        workers: processes that draw scenes.
    """
    warmup = min(base.mgca.warmup, phase["steps"] // 5)
    mgca = dataclasses.replace(base.mgca, **phase, warmup=warmup)
    off: dict[str, Any] = dict.fromkeys(row.switched_off(), 0.0)
    return dataclasses.replace(
        base,
        name=f"{row.name}-s{seed}",
        # a run uses its seed and the two that follow
        seed=10 * seed,
        device="cpu",
        mgca=mgca,
        losses=dataclasses.replace(base.losses, **off),
        data=dataclasses.replace(
            base.data,
            workers=workers,
            first_seed=base.data.first_seed + seed * mgca.steps * mgca.batch,
        ),
        evaluation=dataclasses.replace(base.evaluation, every=0),
        checkpoint_every=mgca.steps + 1,
    )


def fresh_model(model: MgcaModel, config: ModelConfig, seed: int) -> MgcaModel:
    """The same frozen CLIP and text centre with an untrained decoder."""
    torch.manual_seed(seed)
    fresh = MgcaModel(copy.deepcopy(model.clip), config)
    fresh.text_center.copy_(model.text_center)
    return fresh


class RememberingStream(PairStream):
    """A stream that keeps the batch at hand.

    Attributes:
        seen: the batch handed out last, None before the first.
    """

    seen: Batch | None = None

    def batches(
        self, phase: PhaseSize, first_seed: int, start: int, collate: Collate
    ) -> Iterator[Batch]:
        """The phase's batches; see :class:`PairStream`."""
        for batch in super().batches(phase, first_seed, start, collate):
            self.seen = batch
            yield batch


class Trial(Run):
    """A training run that looks at each term's gradient and saves at its end.

    Args:
        config: see :func:`configure`.
        folder: made here; an unfinished trial's log in it is begun again.
        model: see :func:`fresh_model`.
        center_tokens: tokens of the captions from which nouns are learned, the same for all.
        show_progress: draw a bar, on a terminal.
    """

    stream: RememberingStream

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        model: MgcaModel,
        center_tokens: list[Tensor],
        show_progress: bool,
    ) -> None:
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        start = Checkpoint(config=config, model=model, phase="mgca", step=0)
        processes = Processes(config.device)
        super().__init__(config, folder, processes, start, show_progress=show_progress)
        self.stream = RememberingStream(config, self.model, self.processes)
        self.stream.sampled = center_tokens
        self.in_training: nn.Module | None = None
        self.gradient_norms: list[dict[str, float]] = []
        steps = config.mgca.steps
        self.probe_steps = {max(1, round(share * steps)) for share in PROBE_AT}

    def train(self, row: Row) -> None:
        """Train and save."""
        if row.kind == "grounded":
            torch.manual_seed(self.config.seed + 1)
            self.in_training = GroundedObjective(self.model, self.config.losses)
            self.model.train()
            self.optimise(
                self.config.mgca,
                self.in_training,
                self.config.data.first_seed,
                self.stream.collate(nouns=False),
            )
        else:
            self.train_leg()
        # with a space of its own, so that figures and exports gather as its units are meant to
        finished = Checkpoint(
            config=self.config,
            model=self.model.eval(),
            phase="mgca",
            step=self.state.step,
            unit_space=self.find_unit_space(baseline=False),
        )
        # without the optimiser, in half precision: what is scored is what the file holds
        save_checkpoint(self.folder / CHECKPOINT, finished, half=True)

    def between_steps(self, state: PhaseState, config: PhaseConfig) -> None:
        """Look at the gradients when it is time; nothing else."""
        objective, seen = self.in_training or self.objective, self.stream.seen
        if state.step in self.probe_steps and objective is not None and seen is not None:
            with autocast_on(self.device, self.config.precision):  # as in training
                norms = measure_gradients(objective, self.model.decoder, seen)
            self.gradient_norms.append({"step": float(state.step), **norms})


def measure_gradients(objective: nn.Module, decoder: nn.Module, batch: Batch) -> dict[str, float]:
    """L2 norm of each weighted loss term's gradient over all of the decoder's parameters.

    Training goes on as if nobody had looked: the sampling generator is put back.
    """
    generator = getattr(objective, "generator", None)
    before = generator.get_state() if generator is not None else None
    parameters = [p for p in decoder.parameters() if p.requires_grad]
    losses: dict[str, Tensor] = objective(batch)
    norms = {}
    for name, loss in losses.items():
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        squares = [gradient.square().sum() for gradient in found if gradient is not None]
        norms[name] = float(torch.stack(squares).sum().sqrt())
    if generator is not None and before is not None:
        generator.set_state(before)
    return norms
