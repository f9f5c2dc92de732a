"""One (row, seed) after another on one checkpoint: train what is not trained, score what is not
scored.

A :class:`benchmarks.ablation.plan.Plan` travels to worker processes; a :class:`Bench` is what a
process makes of it.
"""

from __future__ import annotations

import dataclasses
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.ablation.evaluation import Subject, best_settings, score, tune, vary_units
from benchmarks.ablation.folder import digest_file, key_of, read_record
from benchmarks.ablation.frames import (
    Embed,
    SeenFrame,
    decoded_by,
    read_densely,
    see_frames,
    training_pictures,
)
from benchmarks.ablation.plan import Plan
from benchmarks.ablation.prediction import GRIDS, VARIATIONS
from benchmarks.ablation.rows import Row
from benchmarks.ablation.trial import CHECKPOINT, Trial, configure, fresh_model
from benchmarks.record.files import write_json
from benchmarks.scoring.controls import permute_words
from runtime.atomic_write import replacing
from runtime.errors import UserError
from training.config.run import TrainConfig
from training.config.values import apply_override, to_dict
from training.data.stream import PairStream
from training.engine.checkpoint import Checkpoint, load_checkpoint
from training.engine.distributed import Processes
from training.engine.evaluation import embed_names
from training.engine.text_center import measure_text_center
from training.engine.trainer import Run
from training.engine.unit_space import measure_unit_space
from training.model.mgca import MgcaModel
from training.model.unit_space import UnitSpace


class Bench:
    """A checkpoint with its frozen CLIP, and the frames, encoded once.

    Args:
        plan: see there.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        checkpoint = load_checkpoint(plan.checkpoint)
        if digest_file(plan.checkpoint) != plan.digest:
            raise UserError(f"{plan.checkpoint} was replaced after the start; start again")
        self.model: MgcaModel = checkpoint.model
        patch = self.model.encoder.patch_size
        if plan.input_size_wh[0] % patch or plan.input_size_wh[1] % patch:
            width, height = plan.input_size_wh
            raise UserError(f"--input-size {width}x{height} is no multiple of the patch, {patch}")
        config: TrainConfig = checkpoint.config
        for assignment in plan.changes:
            config = apply_override(config, assignment)
        self.config = config
        self._frames: dict[str, tuple[list[SeenFrame], list[SeenFrame]]] = {}

    @property
    def losses(self) -> dict[str, float]:
        """Weight of each loss term with everything on."""
        values = dataclasses.asdict(self.config.losses)
        return {name: value for name, value in values.items() if name.endswith("_weight")}

    @cached_property
    def pretraining(self) -> dict[str, Any]:
        """How the frozen CLIP was trained, as far as the checkpoint itself says so.

        A field that is younger than the checkpoint is missing here; the configuration would show
        today's default instead.
        """
        content = torch.load(self.plan.checkpoint, map_location="cpu", weights_only=True)
        return {
            "clip": content["config"]["model"].get("clip_name"),
            "pretrained": content["config"]["model"].get("pretrained"),
            **content["config"].get("pretrain", {}),
        }

    @cached_property
    def caption_tokens(self) -> list[Tensor]:
        """Tokens of the first captions: for the text centre and the nouns; kept in the folder."""
        data = dataclasses.asdict(self.config.data)
        key = key_of({"data": data, "code": self.plan.code, "clip": self.plan.digest})
        path = self.plan.work / f"captions-{key}.pt"
        if not path.is_file():
            start = Checkpoint(config=self.config, model=self.model, phase="mgca", step=0)
            run = Run(self.config, self.plan.work / "captions", Processes("cpu"), start)
            with replacing(path) as beside:
                torch.save(run.stream.sample_captions(), beside)
        return torch.load(path, weights_only=True)

    def prepare(self) -> None:
        """Read the captions, and centre the text where the checkpoint should but is not yet."""
        tokens = self.caption_tokens
        if self.config.model.center_text and not self.model.text_center.any():
            self.model.text_center.copy_(measure_text_center(self.model, tokens))

    def frames(self, dataset: str) -> tuple[list[SeenFrame], list[SeenFrame]]:
        """Tuning and reported frames, encoded on first use."""
        if dataset not in self._frames:
            tuning, reported = (
                see_frames(self.model, frames, self.plan.input_size_wh)
                for frames in self.plan.open_sets(dataset)
            )
            self._frames[dataset] = tuning, reported
        return self._frames[dataset]

    def trial_config(self, row: Row, seed: int) -> TrainConfig:
        """What trains a row."""
        phase = {"steps": self.plan.steps, "batch": self.plan.batch}
        return configure(self.config, row, seed, phase, self.plan.workers)

    def trial_folder(self, row: Row, seed: int) -> Path:
        """Where a (row, seed) is kept; a row that is not trained has one folder for all seeds."""
        decides: dict[str, Any] = {"row": row.name, "dense": row.dense, "clip": self.plan.digest}
        if row.trained:
            config = to_dict(self.trial_config(row, seed))
            del config["data"]["workers"], config["units"], config["export_size_wh"]
            decides["config"] = config
        name = f"{row.name}-s{seed}" if row.trained else row.name
        return self.plan.work / f"{name}-{key_of(decides)}"

    def result_file(self, row: Row, seed: int, dataset: str, sensitivity: bool) -> Path:
        """Where a (row, seed)'s figures are kept."""
        tuning, reported = self.plan.open_sets(dataset)
        decides = {
            "tuning": tuning.settings,
            "reported": reported.settings,
            "input": self.plan.input_size_wh,
            "units": dataclasses.asdict(self.config.units),
            "grids": GRIDS,
            "variations": VARIATIONS if sensitivity else None,
        }
        return self.trial_folder(row, seed) / f"{dataset}-{key_of(decides)}.json"

    def train(self, row: Row, seed: int, *, show_progress: bool) -> None:
        """Train a row's decoder unless its folder says that this is done."""
        folder = self.trial_folder(row, seed)
        if not row.trained or read_record(folder / "training.json"):
            return
        self.prepare()
        started, busy = time.perf_counter(), time.process_time()
        config = self.trial_config(row, seed)
        model = fresh_model(self.model, self.config.model, config.seed)
        trial = Trial(config, folder, model, self.caption_tokens, show_progress)
        trial.train(row)
        record = {
            "row": row.name,
            "seed": seed,
            "steps": self.plan.steps,
            "batch": self.plan.batch,
            "gradient_norms": trial.gradient_norms,
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(time.process_time() - busy, 1),
            "code": self.plan.code,
        }
        write_json(folder / "training.json", record)

    def evaluate(self, row: Row, seed: int, dataset: str, *, sensitivity: bool) -> None:
        """Tune and score a row unless its file says that this is done."""
        path = self.result_file(row, seed, dataset, sensitivity)
        if read_record(path):
            return
        started, busy = time.perf_counter(), time.process_time()
        self.prepare()
        tuning, reported = self.frames(dataset)
        subject = self._subject(row, seed, dataset)
        tried = tune(subject, tuning)
        settings = best_settings(tried)
        record: dict[str, Any] = {"row": row.name, "seed": seed, "dataset": dataset}
        record["units"] = score(subject, reported, settings)
        record["tuning"] = tried
        if sensitivity:
            record["sensitivity"] = vary_units(subject, tuning, settings["adaptive"])
        record |= {
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(time.process_time() - busy, 1),
            "code": self.plan.code,
        }
        write_json(path, record)

    def _subject(self, row: Row, seed: int, dataset: str) -> Subject:
        words = self.plan.open_sets(dataset)[0].words
        other = permute_words(words, seed)
        embed = self._embed(row, seed)
        return Subject(
            embed,
            words,
            embed_names(self.model, words),
            tuple(words.index(word) for word in other),
            self.config.units,
            self._unit_space(embed),
        )

    def _unit_space(self, embed: Embed) -> UnitSpace | None:
        """Where this row's pixels gather, measured on training pictures as training does it."""
        width = self.config.units.space_width
        if not width:
            return None
        size_wh = self.plan.input_size_wh
        pictures = training_pictures(self.config.data, PairStream.sample_pictures, size_wh)
        seen = see_frames(self.model, pictures, size_wh)
        views = ((embed(frame)[None], frame.colors_3hw[None]) for frame in seen)
        return measure_unit_space(
            views, width=self.model.encoder.embedding_width, space_width=width
        )

    def _embed(self, row: Row, seed: int) -> Embed:
        if row.trained:
            return decoded_by(load_checkpoint(self.trial_folder(row, seed) / CHECKPOINT).model)
        config = self.model.config
        model = MgcaModel(
            self.model.clip, dataclasses.replace(config, dense=row.dense or config.dense)
        )
        return read_densely(model.eval())
