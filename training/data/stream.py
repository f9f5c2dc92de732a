"""What a run reads: its batches, and what has to be known of its captions beforehand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Protocol, cast

import torch
from torch import Tensor

from training.data.batches import Batch, Collate
from training.data.config import DataConfig
from training.data.features import CachedFeatures, FrozenEncoder
from training.data.kinds import NounsWithKinds
from training.data.nouns import NounFinder, Nouns
from training.data.registry import open_source
from training.data.replay import replay_batches
from training.data.seeds import seed_of_rank
from training.data.source import Batches, Span, ViewSource
from training.data.tagged_nouns import TaggedNouns
from training.model.clip import tokenizer_for
from training.model.mgca import MgcaModel, ModelConfig
from training.model.prompts import templates_for


class RunSettings(Protocol):
    """What a run's configuration says of its data."""

    @property
    def data(self) -> DataConfig:
        """Where pairs come from."""

    @property
    def seed(self) -> int:
        """Of what is drawn from them."""

    @property
    def model(self) -> ModelConfig:
        """Whose prompts nouns are put into."""


class PhaseSize(Protocol):
    """How many batches of how many pairs a phase wants."""

    @property
    def steps(self) -> int:
        """Batches."""

    @property
    def batch(self) -> int:
        """Pairs a batch (and process)."""

    @property
    def captions(self) -> int:
        """Captions drawn for an image, at most."""


class Place(Protocol):
    """A process among its peers.

    Attributes:
        rank: its number, from 0.
        count: how many there are.
        device: where it computes.
    """

    rank: int
    count: int
    device: torch.device


class PairStream:
    """The batches of one process, from whichever source the configuration names.

    Args:
        config: of the run.
        model: whose tokenizer reads the captions.
        processes: this process among its peers.

    Attributes:
        sample_scenes: how many of the first pairs' captions say which words are nouns, and what a
            mean caption is.
        sample_pictures: how many of the first images say how embeddings vary.
        encoder: what is frozen and says the same of an image at every step, so that it may be
            stored (``data.cache_features``); None: it is trained.
        sampled: tokens of those captions, int64 (j, context) each, once they are read.
    """

    sample_scenes = 2048
    sample_pictures = 96

    def __init__(self, config: RunSettings, model: MgcaModel, processes: Place) -> None:
        self.config = config
        self.model = model
        self.processes = processes
        self.source = open_source(config.data, config.seed, processes.rank, processes.count)
        self.encoder: FrozenEncoder | None = None
        self.sampled: list[Tensor] | None = None

    def sample_captions(self) -> list[Tensor]:
        """Tokens of the first pairs' captions, read once: int64 (j, context) each."""
        if self.sampled is None:
            batch = min(256, self.sample_scenes)
            first = self._first(self.sample_scenes // batch, batch, captions=2)
            batches = self.source.batches(first, self.collate(nouns=False))
            self.sampled = [batch.tokens_jl for batch in batches]
        return self.sampled

    def sample_images(self) -> Iterator[Tensor]:
        """The first images, in batches: uint8 (b, h, w, 3)."""
        batch = 16
        first = self._first(self.sample_pictures // batch, batch, captions=1)
        for images in self.source.batches(first, self.collate(nouns=False)):
            yield images.images_bhw3.to(self.processes.device)

    def sample_pairs(self, count: int, collate: Collate) -> Batch | None:
        """The first few pairs; None: there is not one."""
        first = self._first(1, count, captions=2)
        return next(iter(self.source.batches(first, collate)), None)

    def _first(self, steps: int, batch: int, captions: int) -> Span:
        first_seed = self.config.data.first_seed
        return Span(steps=steps, start=0, batch=batch, captions=captions, first_seed=first_seed)

    def collate(self, *, nouns: bool) -> Collate:
        """How to stack batches, with the nouns that captions name or without; which words are nouns
        is read off all captions, or the first ones where others are not known yet.
        """
        tokenizer = tokenizer_for(self.model.clip)
        if not nouns:
            return Collate(tokenizer)
        _, templates = templates_for(self.config.model.clip_name, self.config.model.prompts)
        return Collate(tokenizer, self._learn_nouns(), templates)

    def _learn_nouns(self) -> Nouns:
        found = self._learn_names()
        return NounsWithKinds(found) if self.config.data.kinds else found

    def _learn_names(self) -> Nouns:
        if self.config.data.nouns == "phrases":
            return NounFinder.from_captions(self._sampled_texts())
        return TaggedNouns.from_captions(self.source.known_captions() or self._sampled_texts())

    def _sampled_texts(self) -> list[str]:
        tokenizer = tokenizer_for(self.model.clip)
        silent = {0, *tokenizer.all_special_ids}
        return [
            tokenizer.decode([token for token in row if token not in silent])
            for tokens_jl in self.sample_captions()
            for row in tokens_jl.tolist()
        ]

    def batches(
        self, phase: PhaseSize, first_seed: int, start: int, collate: Collate
    ) -> Iterator[Batch]:
        """The phase's batches from step ``start`` on.

        Args:
            phase: how many batches, of how many pairs.
            first_seed: number of the phase's first pair, where pairs are numbered.
            start: steps that are done already.
            collate: see :meth:`collate`.
        """
        data = self.config.data
        fresh = self._reading().batches(
            Span(
                steps=self._fresh_steps(phase),
                start=start // data.passes,
                batch=phase.batch,
                captions=phase.captions,
                first_seed=first_seed,
            ),
            collate,
        )
        if data.passes == 1:
            return fresh
        kept = (batch.to(self.processes.device) for batch in fresh)
        seed = seed_of_rank(self.config.seed + start, self.processes.rank)
        several = replay_batches(kept, passes=data.passes, window=data.window, seed=seed)
        return itertools.islice(several, phase.steps - start)

    def _reading(self) -> Batches:
        data = self.config.data
        if not data.cache_features or self.encoder is None:
            return self.source
        source = cast(ViewSource, self.source)  # data.cache_features asks for a table of captions
        return CachedFeatures(source, data.cache_features, self.encoder, data.cache_dir)

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """See that images can be joined to mosaics of so many rows and columns.

        Raises:
            UserError: they cannot.
        """
        self.source.check_mosaic(mosaic_hw, first_seed)

    def _fresh_steps(self, phase: PhaseSize) -> int:
        return math.ceil(phase.steps / self.config.data.passes)
