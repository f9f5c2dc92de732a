"""What tests of pre-training share: a tower of random weights, and a batch that carries nouns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

NOUNS = ("sky", "road", "tree", "building", "car", "person")


@pytest.fixture
def clip():
    """``mgca-tiny``, trainable, the same weights in every test."""
    torch = pytest.importorskip("torch")
    from training.model.clip import load_clip

    torch.manual_seed(0)
    return load_clip("mgca-tiny").requires_grad_(True)


@pytest.fixture(scope="session")
def noun_batch() -> Callable:
    """Draws a batch of StreetWorld that carries :data:`NOUNS`."""
    pytest.importorskip("torch")
    from training.data.batches import Collate
    from training.data.generated import streetworld_batches
    from training.data.nouns import NounFinder
    from training.model.clip import load_clip, tokenizer_for

    tokenizer = tokenizer_for(load_clip("mgca-tiny"))
    collate = Collate(tokenizer, NounFinder({noun: noun for noun in NOUNS}))

    def draw(first_seed: int, batch: int, size_wh: tuple[int, int], variant: str = "singles"):
        stream = streetworld_batches(
            first_seed=first_seed, steps=1, start_step=0, batch=batch, captions=2, size_wh=size_wh,
            seed=0, collate=collate, workers=0, variant=variant,
        )  # fmt: skip
        return next(iter(stream))

    return draw


@pytest.fixture
def few_scenes(monkeypatch):
    """Runs read their nouns off a few captions, and their units' space off a few images."""
    pytest.importorskip("torch")
    from training.data.stream import PairStream

    monkeypatch.setattr(PairStream, "sample_scenes", 16)
    monkeypatch.setattr(PairStream, "sample_pictures", 16)
