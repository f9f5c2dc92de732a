"""What a run reads: its batches, and what has to be known of its captions beforehand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from torch import Tensor

from runtime.errors import UserError
from training.config.schema import PhaseConfig, PretrainConfig, TrainConfig
from training.data.batches import Batch, Collate, streetworld_batches
from training.data.nouns import NounFinder
from training.data.replay import replay_batches
from training.data.streetworld import TILES_HW, VARIANTS
from training.engine.distributed import Processes
from training.model.clip import tokenizer_for
from training.model.mgca import MgcaModel
from training.model.prompts import templates_for


class SceneStream:
    """The batches of one process, from StreetWorld or from shards.

    Args:
        config: of the run.
        model: whose tokenizer reads the captions.
        processes: this process among its peers.

    Attributes:
        sample_scenes: how many of the first scenes' captions say which words are nouns, and what a
            mean caption is.
        sample_pictures: how many of the first images say how embeddings vary.
        sampled: tokens of those captions, int64 (j, context) each, once they are read.
    """

    sample_scenes = 2048
    sample_pictures = 96

    def __init__(self, config: TrainConfig, model: MgcaModel, processes: Processes) -> None:
        self.config = config
        self.model = model
        self.processes = processes
        self.sampled: list[Tensor] | None = None

    def sample_captions(self) -> list[Tensor]:
        """Tokens of the first training scenes' captions, read once."""
        if self.sampled is None:
            batch = min(256, self.sample_scenes)
            phase = PhaseConfig(steps=self.sample_scenes // batch, batch=batch, captions=2)
            first = self.config.data.first_seed
            batches = self.fresh_batches(phase, first, phase.steps, 0, self.collate(nouns=False))
            self.sampled = [batch.tokens_jl for batch in batches]
        return self.sampled

    def sample_images(self) -> Iterator[Tensor]:
        """The first training images, in batches: uint8 (b, h, w, 3)."""
        batch = 16
        phase = PhaseConfig(steps=self.sample_pictures // batch, batch=batch)
        first = self.config.data.first_seed
        for images in self.fresh_batches(phase, first, phase.steps, 0, self.collate(nouns=False)):
            yield images.images_bhw3.to(self.processes.device)

    def collate(self, *, nouns: bool) -> Collate:
        """How to stack batches, with the nouns that captions name or without; which words are nouns
        is read off the first captions.
        """
        tokenizer = tokenizer_for(self.model.clip)
        if not nouns:
            return Collate(tokenizer)
        silent = {0, *tokenizer.all_special_ids}
        captions = [
            tokenizer.decode([token for token in row if token not in silent])
            for tokens_jl in self.sample_captions()
            for row in tokens_jl.tolist()
        ]
        _, templates = templates_for(self.config.model.clip_name, self.config.model.prompts)
        return Collate(tokenizer, NounFinder.from_captions(captions), templates)

    def batches(
        self, phase: PhaseConfig, first_seed: int, start: int, collate: Collate
    ) -> Iterator[Batch]:
        """The phase's batches from step ``start`` on."""
        data = self.config.data
        done = start // data.passes
        fresh = self.fresh_batches(phase, first_seed, self._fresh_steps(phase), done, collate)
        if data.passes == 1:
            return fresh
        kept = (batch.to(self.processes.device) for batch in fresh)
        several = replay_batches(
            kept, passes=data.passes, window=data.window, seed=self.config.seed + start
        )
        return itertools.islice(several, phase.steps - start)

    def seed_after(self, phase: PhaseConfig) -> int:
        """The first scene that a whole run of ``phase`` from the stream's beginning leaves over."""
        used = self._fresh_steps(phase) * phase.batch * self.processes.count
        return self.config.data.first_seed + used

    def check_tiles(self, phase: PretrainConfig, first_seed: int) -> None:
        """See that images that are tiles of photographs are joined to those photographs.

        Raises:
            UserError: they are not.
        """
        rows, columns = phase.frame_tiles
        data = self.config.data
        if (rows, columns) == (1, 1) or data.shards or not VARIANTS[data.variant].tiles:
            return
        if (rows, columns) != TILES_HW:
            raise UserError(
                f"pretrain.frame_tiles is {rows}x{columns}, and the scenes of variant "
                f"'{data.variant}' are tiles of photographs of {TILES_HW[0]}x{TILES_HW[1]}; "
                f"expected --set 'pretrain.frame_tiles=[{TILES_HW[0]},{TILES_HW[1]}]'"
            )
        tiles = rows * columns
        if first_seed % tiles:
            raise UserError(
                f"scene {first_seed} does not begin a photograph of {rows}x{columns} tiles; "
                f"expected a multiple of {tiles}, e.g. "
                f"--set data.first_seed={first_seed - first_seed % tiles}"
            )

    def _fresh_steps(self, phase: PhaseConfig) -> int:
        return math.ceil(phase.steps / self.config.data.passes)

    def fresh_batches(
        self, phase: PhaseConfig, first_seed: int, steps: int, start: int, collate: Collate
    ) -> Iterator[Batch]:
        """Batches ``start`` to ``steps`` of the data, each once."""
        data = self.config.data
        if data.shards:
            from training.data.shards import shard_batches

            return shard_batches(
                shards=data.shards,
                steps=steps - start,
                batch=phase.batch,
                size_wh=data.size_wh,
                seed=self.config.seed + start,
                collate=collate,
                workers=data.workers,
            )
        return streetworld_batches(
            first_seed=first_seed,
            steps=steps,
            start_step=start,
            batch=phase.batch,
            captions=phase.captions,
            size_wh=data.size_wh,
            seed=self.config.seed,
            collate=collate,
            workers=data.workers,
            variant=data.variant,
            exposure=data.exposure,
            rank=self.processes.rank,
            world_size=self.processes.count,
        )
