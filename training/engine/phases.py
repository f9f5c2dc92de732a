"""The two phases of a run: what each trains, does after every step, and leaves behind.

A phase is made when a leg begins and is gone when it ends; what has to survive an interruption is
in the checkpoint that its run writes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import torch
from open_clip import CLIP
from torch import Tensor

from training.config.run import EMA_TEACHER, PretrainConfig, TrainConfig
from training.data.seeds import seed_of_rank
from training.engine.checkpoint import Checkpoint, load_checkpoint
from training.engine.distributed import Processes
from training.engine.ema import Ema
from training.losses.objective import MgcaObjective
from training.model.mgca import MgcaModel
from training.pretrain.objective import ClipObjective
from training.pretrain.teacher import NounTeacher

# Captions and nouns that are read once only where a run caches features: 130 MB at a width of 512.
REMEMBERED_TEXTS = 65536


class Pretraining:
    """CLIP from nothing (or from the leg before), then frozen.

    Args:
        model: whose CLIP is trained.
        config: of the phase.
        device: where a teacher's checkpoint is put.
        step: steps of this leg that are done already.
        ema_state: the moving average to go on with, or None.

    Attributes:
        objective: what is minimised.
        ema: the moving average of the tower, or None.
    """

    def __init__(
        self,
        model: MgcaModel,
        config: PretrainConfig,
        device: torch.device,
        step: int = 0,
        ema_state: dict[str, Tensor] | None = None,
    ) -> None:
        self.clip: CLIP = model.clip
        self.whole_images_from = int((1 - config.unmasked_share) * config.steps)
        self.ema = Ema(self.clip, config.ema_steps) if config.ema_steps else None
        if self.ema and ema_state is not None:
            self.ema.clip.load_state_dict(ema_state)
        teacher = None
        if config.teacher == EMA_TEACHER and self.ema:
            teacher = NounTeacher(self.ema.clip)
        elif config.teacher:
            teacher = NounTeacher(load_checkpoint(Path(config.teacher)).model.clip.to(device))
        self.clip.requires_grad_(True)
        self.objective = ClipObjective(self.clip, config, teacher)
        self._show_whole_images(step)
        self.set_mode()

    def _show_whole_images(self, step: int) -> None:
        """Leave no patches out when it is time: inference will not either."""
        if step >= self.whole_images_from:
            self.objective.patch_dropout = 0.0

    def set_mode(self) -> None:
        """Ready to train, also after an evaluation."""
        self.clip.train()

    def after_step(self, step: int) -> None:
        """Let the average follow; ``step`` steps of this leg are done."""
        self._show_whole_images(step)
        if self.ema:
            self.ema.update(self.clip)

    def measured(self) -> contextlib.AbstractContextManager[None]:
        """Within, the model has the weights that this phase would end with."""
        return self.ema.lent_to(self.clip) if self.ema else contextlib.nullcontext()

    def keep(self, checkpoint: Checkpoint) -> None:
        """Add what only this phase knows to a checkpoint."""
        checkpoint.ema = self.ema.clip.state_dict() if self.ema else None

    def finish(self) -> None:
        """Freeze the CLIP, with its average for weights where one was kept."""
        if self.ema:
            self.clip.load_state_dict(self.ema.clip.state_dict())
        # The layout a resumed run finds its weights in: another one rounds otherwise.
        self.clip.visual.conv1.to(memory_format=torch.contiguous_format)
        self.clip.requires_grad_(False)
        self.clip.eval()


class DecoderTraining:
    """MGCA on the frozen CLIP.

    Args:
        model: whose decoder is trained.
        config: of the run.
        processes: this process among its peers.
        step: steps of this leg that are done already.
        mask: state of the foreground mask to go on with, or None.
        generator: state of the sampling generator to go on with, or None. It is the same in all
            processes: each draws for the whole batch, and keeps what is of its own images.

    Attributes:
        objective: what is minimised.
    """

    def __init__(
        self,
        model: MgcaModel,
        config: TrainConfig,
        processes: Processes,
        step: int = 0,
        mask: dict[str, Tensor] | None = None,
        generator: Tensor | None = None,
    ) -> None:
        self.model = model
        rank = processes.rank
        torch.manual_seed(seed_of_rank(config.seed + 1, rank, step))
        remembered = REMEMBERED_TEXTS if config.data.cache_features else 0
        objective = MgcaObjective(model, config.losses, config.seed + 2, remembered)
        self.objective = objective.to(processes.device)
        if mask is not None:
            self.objective.mask.load_state_dict(mask)
        if generator is not None:
            self.objective.generator.set_state(generator)
        self.set_mode()

    def set_mode(self) -> None:
        """Ready to train, also after an evaluation."""
        self.model.train()

    def after_step(self, step: int) -> None:
        """Nothing changes on the way."""

    def measured(self) -> contextlib.AbstractContextManager[None]:
        """The model as it is."""
        return contextlib.nullcontext()

    def keep(self, checkpoint: Checkpoint) -> None:
        """Add what only this phase knows to a checkpoint."""
        checkpoint.mask = self.objective.mask.state_dict()
        checkpoint.generator = self.objective.generator.get_state()

    def finish(self) -> None:
        """Nothing to be put back."""


Phase = Pretraining | DecoderTraining
