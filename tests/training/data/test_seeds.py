"""Processes and workers draw apart; the first process draws as one that is alone always has."""

from __future__ import annotations

import copy
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("webdataset")

from tests.support.shards import write_shard  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.data.batches import Batch  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.crops import Cropping  # noqa: E402
from training.data.replay import replay_batches  # noqa: E402
from training.data.seeds import seed_of_rank  # noqa: E402
from training.data.shards import source  # noqa: E402
from training.data.shards.source import ShardPairs  # noqa: E402
from training.data.stream import PairStream  # noqa: E402
from training.data.tally import Tally  # noqa: E402
from training.engine.phases import DecoderTraining  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel  # noqa: E402

PAIRS = 48


def place(rank, count=2):
    return SimpleNamespace(rank=rank, count=count, device=torch.device("cpu"), is_first=rank == 0)


def noisy_pairs():
    """Pictures in which every crop is another one; captions are their numbers."""
    random = np.random.default_rng(0)
    for number in range(PAIRS):
        picture = random.integers(0, 256, (90, 120, 3), np.uint8)
        content = cv2.imencode(".png", picture)[1].tobytes()
        yield from ((f"{number}.png", content), (f"{number}.txt", str(number)))


def test_seeds_of_ranks():
    ranks = [seed_of_rank(seed, rank, step) for seed in (0, 1, 2) for rank in (1, 2)
             for step in (0, 7)]  # fmt: skip
    assert len({*ranks, 0, 1, 2}) == 15
    assert [seed_of_rank(seed, 0, 7) for seed in (0, 1, -3)] == [0, 1, -3]


@pytest.mark.parametrize("shards", [1, 3])
def test_no_crop_comes_twice_in_two_processes_of_two_workers(tmp_path, monkeypatch, shards):
    """With one shuffle and one crop seed for all workers, a fifth of what one worker gave came from
    another, too, with the very same crop (webdataset 1.0.2's resampling did so).
    """
    members = list(noisy_pairs())
    each = -(-PAIRS // shards) * 2
    paths = [write_shard(tmp_path / f"{shard}.tar", members[shard * each : (shard + 1) * each])
             for shard in range(shards)]  # fmt: skip
    epochs, seen, draws = 3, [], []

    def crop(image, rng):
        draws.append(copy.deepcopy(rng).random())
        return Cropping((16, 12))(image, rng)

    for rank in range(2):
        for worker in range(2):
            info = SimpleNamespace(id=worker, num_workers=2)
            monkeypatch.setattr(source, "get_worker_info", lambda info=info: info)
            pairs = ShardPairs(paths, 1, 1, crop, (0,), rank, 2)._pairs(Tally())
            own = [next(pairs) for _ in range(epochs * PAIRS // 4)]
            seen += [(pair.drawn[0], pair.image_hw3.tobytes()) for pair in own]
    assert Counter(number for number, _ in seen) == dict.fromkeys(map(str, range(PAIRS)), epochs)
    repeats = sum(count - 1 for count in Counter(seen).values())
    assert repeats == 0
    # Nor does another picture get the very same crop.
    assert len(set(draws)) == len(draws) == epochs * PAIRS


def replayed(rank):
    """Which batch came again, and whether mirrored, in a stream of three passes."""
    data = DataConfig(size_wh=(16, 16), workers=0, passes=3, window=4)
    config = TrainConfig(data=data, device="cpu", seed=5)
    stream = PairStream(config, MgcaModel(load_clip("mgca-tiny"), config.model), place(rank))
    fresh = [Batch(torch.full((1, 2, 2, 3), n, dtype=torch.uint8), torch.tensor([[n]]),
                   torch.zeros(1, dtype=torch.int64)) for n in range(20)]  # fmt: skip
    stream.source = SimpleNamespace(batches=lambda span, collate: iter(fresh))
    phase = SimpleNamespace(steps=60, batch=1, captions=1)
    drawn = [(int(b.tokens_jl), b.visit, b.mirrored) for b in stream.batches(phase, 0, 0, None)]
    alone = replay_batches(fresh, passes=3, window=4, seed=5)
    return drawn, [(int(b.tokens_jl), b.visit, b.mirrored) for b in alone]


def test_processes_see_other_batches_again():
    first, alone = replayed(0)
    assert first == alone
    assert replayed(1)[0] != first


def draws(rank, step=0, generator=None):
    """What the decoder's sampling and the process draw next."""
    config = TrainConfig(seed=5)
    model = MgcaModel(load_clip("mgca-tiny"), config.model)
    training = DecoderTraining(model, config, place(rank), step, None, generator)
    sampled = torch.rand(3, generator=training.objective.generator)
    return sampled.tolist(), torch.rand(3).tolist()


def test_processes_sample_alike_and_draw_apart():
    """Each samples for the whole batch, and keeps what is of its own images."""
    alone = torch.rand(3, generator=torch.Generator().manual_seed(5 + 2)).tolist()
    everywhere = [draws(0), draws(1), draws(2), draws(1, step=8), draws(2, step=8)]
    sampled, drawn = zip(*everywhere, strict=True)
    assert all(one == alone for one in sampled)
    assert len(set(map(tuple, drawn))) == 5


def test_a_resumed_run_samples_on_in_every_process():
    kept = torch.Generator().manual_seed(99)
    state, expected = kept.get_state(), torch.rand(3, generator=kept).tolist()
    resumed = [draws(rank, 8, state) for rank in (0, 1, 2)]
    assert all(sampled == expected for sampled, _ in resumed)
    assert len({tuple(drawn) for _, drawn in resumed}) == 3
