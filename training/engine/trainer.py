"""One training run: the model, its folder, and what happens before, between and after the steps.

A run goes leg by leg (training/config/legs.py). What a leg trains is in training/engine/phases.py,
how steps are taken in training/engine/loop.py.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from runtime.errors import MgcaError
from training.config.legs import enter, follow, phase_config, reach, trains
from training.config.optimiser import PhaseConfig
from training.config.run import TrainConfig
from training.data.batches import Batch, Collate
from training.data.features import FrozenEncoder
from training.data.seeds import seed_of_rank
from training.data.stream import PairStream
from training.data.tally import Tally
from training.engine.checkpoint import Checkpoint, save_checkpoint
from training.engine.compiling import compile_model
from training.engine.distributed import Processes
from training.engine.evaluation import Score, evaluate
from training.engine.folder import LAST, make_folder, open_trackers
from training.engine.frozen import freeze_encoder
from training.engine.loop import PhaseState, Stopped, run_phase
from training.engine.phases import DecoderTraining, Phase, Pretraining
from training.engine.portions import PortionedBackward
from training.engine.remote import RemoteRun
from training.engine.similarity_pictures import draw_similarities, has_words
from training.engine.text_center import measure_text_center
from training.engine.trackers import InLeg, Tracker, Trackers
from training.engine.unit_space import find_unit_space
from training.model.mgca import MgcaModel, load_towers
from training.model.unit_space import UnitSpace


class Run:
    """One training run: the model, its folder, and what happens between steps.

    Args:
        config: resolved configuration.
        folder: ``runs/<name>``; made here.
        processes: this process among its peers.
        checkpoint: where to go on, or None.
        until: step of the leg at hand after which to stop with :class:`Stopped`; None: go on.
        show_progress: draw a bar, where stderr is a terminal.

    Attributes:
        config: of the leg at hand, the first of its ``legs``.
        state: how far that leg has come.
        steps_before: steps of the same phase in earlier legs.
        active: what is trained at present, or None.
        read: what the leg at hand has read of stored pairs.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        processes: Processes,
        checkpoint: Checkpoint | None = None,
        until: int | None = None,
        *,
        show_progress: bool = True,
    ) -> None:
        self.folder = folder
        self.processes = processes
        self.device = processes.device
        self.until = until
        self.carried = checkpoint
        self.active: Phase | None = None
        self.read = Tally()
        if checkpoint:
            self.config = reach(config, checkpoint.phase, processes.count)
            self.model = checkpoint.model
            self.state = PhaseState(checkpoint.step, checkpoint.optimizer, checkpoint.metrics)
            self.steps_before = checkpoint.steps_before
            self.unit_space = checkpoint.unit_space
        else:
            self.config = enter(config)
            torch.manual_seed(self.config.seed)
            self.model = MgcaModel(load_towers(self.config.model), self.config.model)
            self.state = PhaseState()
            self.steps_before = 0
            self.unit_space = None
        if not processes.is_first:
            # Weights are drawn alike in all of them; what comes after is each one's own.
            torch.manual_seed(seed_of_rank(self.config.seed, processes.rank, self.state.step))
        self.model.to(self.device)
        self.stream = PairStream(self.config, self.model, processes)
        self.trackers = Trackers()
        self.shown: Batch | None = None
        self.remote: RemoteRun | None = None
        if processes.is_first:
            make_folder(folder, config, keep=checkpoint is not None)
            self.trackers = open_trackers(folder, config, show_progress=show_progress)

    @property
    def phase(self) -> str:
        """``pretrain`` or ``mgca``."""
        return self.config.legs[0].phase

    @property
    def last(self) -> str:
        """Where the checkpoint is, as a person names it."""
        return f"{self.remote.address}/{LAST}" if self.remote else str(self.folder / LAST)

    @property
    def objective(self) -> nn.Module | None:
        """What is minimised at present, or None."""
        return self.active.objective if self.active else None

    @property
    def tracker(self) -> Tracker:
        """Where figures of the leg at hand go."""
        return InLeg(self.trackers, self.config.legs[0].name, self.steps_before)

    def say(self, line: str) -> None:
        """One line on stdout, above the bar."""
        if self.processes.is_first:
            tqdm.write(line, file=sys.stdout)
            sys.stdout.flush()

    def save(self) -> None:
        """Write ``last.pt``; raises ``MgcaError`` where it cannot be written."""
        if not self.processes.is_first:
            return
        checkpoint = Checkpoint(
            config=self.config,
            model=self.model,
            phase=self.phase,
            step=self.state.step,
            steps_before=self.steps_before,
            metrics=self.state.metrics,
            unit_space=self.unit_space,
            optimizer=self.state.optimizer,
        )
        if self.active:
            self.active.keep(checkpoint)
        path = self.folder / LAST
        try:
            save_checkpoint(path, checkpoint)
        except OSError as error:
            raise MgcaError(
                f"checkpoint '{path}' cannot be written ({error.strerror}); what was there "
                f"before stays; free some space and go on with --resume {path}"
            ) from error
        if self.remote is not None:
            self.remote.send()

    def measure(self, label: str, *, baseline: bool = False) -> dict[str, Score]:
        """Evaluate, print and log.

        Args:
            label: what is measured, for the line and the log.
            baseline: CLIP's own dense features instead of the decoder's.
        """
        if baseline and self.config.model.center_text:
            captions = self.stream.sample_captions()
            self.model.text_center.copy_(measure_text_center(self.model, captions))
        space = self.find_unit_space(baseline=baseline)
        scores = evaluate(
            self.model,
            self.config.evaluation,
            self.config.units,
            space=space,
            baseline=baseline,
        )
        adaptive, pixel = scores["adaptive"], scores["pixel"]
        self.say(
            f"{label}: mIoU {100 * adaptive.miou:.1f} with adaptive units, "
            f"{100 * pixel.miou:.1f} per pixel"
        )
        values = {"miou_adaptive": adaptive.miou, "miou_pixel": pixel.miou, "iou": adaptive.iou}
        place = {"phase": self.phase, "step": self.state.step, "evaluation": label}
        self.tracker.write({**place, **values})
        if self.shown is not None:
            drawn = draw_similarities(
                self.model, self.shown, self.config.log.words, baseline=baseline
            )
            kind = "clip" if baseline else "decoder"
            self.tracker.show(f"{self.phase}/similarities of the {kind}", self.state.step, drawn)
        if not baseline:
            self.unit_space = space
            self.state.metrics = values
        return scores

    def find_unit_space(self, *, baseline: bool) -> UnitSpace | None:
        """Where this model's pixels gather into units, measured on the first training images.

        Args:
            baseline: of CLIP's own dense features instead of the decoder's.
        """
        width, images = self.config.units.space_width, self.stream.sample_images()
        return find_unit_space(self.model, images, width, baseline=baseline)

    def between_steps(self, state: PhaseState, config: PhaseConfig) -> None:
        """Save and evaluate when it is time."""
        if self.active:
            self.active.after_step(state.step)
        if state.step == self.until:
            raise Stopped
        if state.step % self.config.checkpoint_every == 0 and state.step < config.steps:
            self.record_data()
        if not self.processes.is_first or state.step >= config.steps:
            return
        if state.step % self.config.checkpoint_every == 0:
            self.save()
        every = self.config.evaluation.every
        if self.active and every and state.step % every == 0:
            with self.active.measured():
                label = f"{self.config.legs[0].name} step {state.step}"
                self.measure(label, baseline=self.phase == "pretrain")
            self.active.set_mode()

    def optimise(
        self, phase: PhaseConfig, objective: nn.Module, first_seed: int, collate: Collate
    ) -> None:
        """Take the steps of the leg at hand, from the present state to its end."""
        self.stream.source.take_tally()  # of the samples that were read before
        self.read = Tally()
        try:
            self._take_steps(phase, objective, first_seed, collate)
        except BaseException as reason:
            # All processes stop at the same step; of a fault in one the others know nothing.
            if self.processes.count == 1 or isinstance(reason, Stopped):
                with contextlib.suppress(MgcaError):  # the reason is what is told
                    self.record_data(say=True)
            raise
        self.record_data(say=True)

    def record_data(self, *, say: bool = False) -> None:
        """Write down how many stored pairs the leg has read since this process began it, of which
        epochs, and what was passed over; every process must call.
        """
        tally = self.read
        for one in self.processes.gather(self.stream.source.take_tally()):
            tally.add(one)
        if not tally.pairs:
            return
        if say:
            leg, passed = self.config.legs[0].name, tally.describe() or "nothing"
            self.say(f"data of leg {leg}: {tally.pairs} pairs; left out: {passed}")
        place = {"phase": self.phase, "step": self.state.step}
        self.tracker.write({**place, "data": tally.to_json()})

    def _frozen_encoder(self) -> FrozenEncoder | None:
        """What says the same of an image at every step of this leg; None: it is not asked for."""
        if self.phase == "pretrain" or not self.config.data.cache_features:
            return None
        return freeze_encoder(self.model, self.device, self.config.precision)

    def _take_steps(
        self, phase: PhaseConfig, objective: nn.Module, first_seed: int, collate: Collate
    ) -> None:
        run_phase(
            name=self.phase,
            objective=self.processes.wrap(objective),
            config=phase,
            batches=self.stream.batches(phase, first_seed, self.state.step, collate),
            state=self.state,
            tracker=self.tracker,
            on_step=lambda state: self.between_steps(state, phase),
            device=self.device,
            precision=self.config.precision,
            backward=PortionedBackward(self.processes, phase.accumulate),
        )

    def train_leg(self) -> None:
        """Train what the leg at hand trains, to its end."""
        config, carried = self.config, self.carried
        if self.phase == "pretrain":
            self.stream.check_mosaic(config.pretrain.mosaic, config.data.first_seed)
            ema = carried.ema if carried else None
            self.active = Pretraining(
                self.model, config.pretrain, self.device, self.state.step, ema
            )
            nouns = config.pretrain.noun_weight > 0
        else:
            mask, generator = (carried.mask, carried.generator) if carried else (None, None)
            self.active = DecoderTraining(
                self.model, config, self.processes, self.state.step, mask, generator
            )
            nouns = config.losses.needs_nouns
        self.carried = None
        self.stream.encoder = self._frozen_encoder()
        if config.compile:
            compile_model(self.model)
        collate = self.stream.collate(nouns=nouns)
        if self.trackers.shows_pictures and config.log.pictures:
            shown = self.stream.sample_pairs(config.log.pictures, collate)
            self.shown = shown if has_words(shown, config.log.words) else None
        objective = self.active.objective
        self.optimise(phase_config(config), objective, config.data.first_seed, collate)
        self.active.finish()
        if self.phase == "pretrain":
            self.active = None

    def skip_leg(self) -> None:
        """Leave the leg at hand out; a moving average that it had kept becomes the model."""
        if self.carried and self.carried.ema is not None:
            self.model.clip.load_state_dict(self.carried.ema)
        self.carried = None

    def next_leg(self) -> bool:
        """Go over to the leg after the one at hand; False: there is none."""
        later = follow(self.config, self.processes.count)
        if later is None:
            return False
        same_phase = later.legs[0].phase == self.phase
        self.steps_before = self.steps_before + self.state.step if same_phase else 0
        self.state = PhaseState(metrics=self.state.metrics)
        self.config, self.active = later, None
        self.model.config = later.model
        # Captions are read anew, from the leg's own first scenes: a resumed run reads those too.
        self.stream = PairStream(later, self.model, self.processes)
        return True

    def execute(self) -> None:
        """All legs, from wherever the run stands."""
        if not self.carried and not (self.folder / LAST).exists():
            self.save()  # what is killed from now on can go on; a disk that is too small is told
        while True:
            phase, name, trained = self.phase, self.config.legs[0].name, trains(self.config)
            if trained:
                self.say(f"leg {name}: to step {phase_config(self.config).steps}")
                self.train_leg()
                if phase == "mgca":
                    self.measure("MGCA")
                elif self._stays_in_phase():
                    self.measure(f"after {name}", baseline=True)
                self.save()
            else:
                self.skip_leg()
            if not self.next_leg():
                break
            if phase == "pretrain" and self.phase == "mgca":
                self.measure("CLIP's own dense features", baseline=True)
        self.save()
        self.say(f"checkpoint: {self.last}")

    def _stays_in_phase(self) -> bool:
        return len(self.config.legs) > 1 and self.config.legs[1].phase == self.phase
