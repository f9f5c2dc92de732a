"""Batches that come several times: how often, which ones, and that each visit differs."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch")

from runtime.text.template_sets import CAPTIONS, STREETWORLD  # noqa: E402
from training.config.optimiser import PhaseConfig  # noqa: E402
from training.config.run import PretrainConfig, TrainConfig  # noqa: E402
from training.data.batches import WORKER_IMPORTS, Batch  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.replay import come_again, replay_batches  # noqa: E402
from training.data.stream import PairStream  # noqa: E402
from training.engine.distributed import Processes  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402


def numbered(count):
    """Batches of one image of 1 x 2 pixels, black and white; the number is their caption."""
    for number in range(count):
        row = torch.tensor([[0], [255]], dtype=torch.uint8).expand(2, 3)
        yield Batch(row.reshape(1, 1, 2, 3), torch.tensor([[number]]), torch.tensor([0]))


def numbers(batches):
    return [int(batch.tokens_jl) for batch in batches]


@pytest.mark.parametrize(
    ("passes", "window", "expected"),
    [
        (1, 5, [0, 1, 2]),
        (2, 1, [0, 0, 1, 1, 2, 2]),
        (3, 1, [0, 0, 0, 1, 1, 1, 2, 2, 2]),
    ],
)
def test_how_often_a_batch_comes(passes, window, expected):
    found = replay_batches(numbered(3), passes=passes, window=window, seed=0)
    assert numbers(found) == expected


def test_earlier_batches_come_from_the_window():
    found = list(replay_batches(numbered(200), passes=3, window=10, seed=0))
    fresh, again = found[::3], found[1::3] + found[2::3]
    assert numbers(fresh) == list(range(200))
    assert [batch.visit for batch in fresh] == [0] * 200
    assert len({batch.visit for batch in again} - {0}) == len(again) == 400
    ages = [late - n for late, n in enumerate(numbers(found[1::3]))]
    assert min(ages) == 0 and max(ages) == 9
    # Half of them mirrored, give or take three standard deviations.
    mirrored = sum(bool(batch.images_bhw3[0, 0, 0, 0]) for batch in again)
    assert 170 <= mirrored <= 230


def test_the_seed_decides():
    def draw(seed):
        found = replay_batches(numbered(50), passes=2, window=20, seed=seed)
        return [(int(b.tokens_jl), int(b.images_bhw3[0, 0, 0, 0])) for b in found]

    assert draw(1) == draw(1) != draw(2)


def test_what_is_kept_lies_in_memory_of_its_own():
    first, again = replay_batches(numbered(1), passes=2, window=1, seed=0)
    assert torch.equal(first.tokens_jl, again.tokens_jl)
    assert first.tokens_jl.data_ptr() != again.tokens_jl.data_ptr()


def test_another_visit_leaves_out_other_patches():
    torch.manual_seed(0)
    objective = ClipObjective(load_clip("mgca-tiny"), PretrainConfig(noun_weight=0.0)).eval()
    tokens_jl = torch.zeros(4, 32, dtype=torch.int64)
    tokens_jl[:, :3] = torch.tensor([[49406, 320 + n, 49407] for n in range(4)])
    batch = Batch(
        torch.randint(0, 256, (4, 96, 128, 3), dtype=torch.uint8), tokens_jl, torch.arange(4)
    )
    losses = [
        float(objective(one)["loss"])
        for one in (batch, batch, come_again(batch, 1, mirrored=False))
    ]
    assert losses[0] == losses[1] != losses[2]


def stream_of(passes, **model):
    data = DataConfig(size_wh=(16, 16), workers=0, passes=passes, window=2)
    config = TrainConfig(data=data, device="cpu", model=ModelConfig(**model))
    return PairStream(config, MgcaModel(load_clip("mgca-tiny"), config.model), Processes("cpu"))


@pytest.mark.parametrize(("start", "expected"), [(0, 5), (3, 2)])
def test_a_run_of_several_passes_has_as_many_steps_as_asked(start, expected):
    stream, phase = stream_of(passes=3), PhaseConfig(steps=5, batch=2)
    batches = list(stream.batches(phase, 0, start, stream.collate(nouns=False)))
    assert len(batches) == expected
    assert [batch.visit for batch in batches[:2]] == [0, 1]


@pytest.fixture(scope="module")
def sampled():
    """Tokens of the captions of 512 scenes, of a stream of several passes."""
    stream = stream_of(passes=4)
    stream.sample_scenes = 512
    return stream.sample_captions()


def test_several_passes_do_not_make_the_sample_smaller(sampled):
    """As many scenes as without passes: a rare noun is missed in fewer."""
    assert len({tuple(row.tolist()) for rows in sampled for row in rows}) > 750


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [(None, STREETWORLD), ("captions", CAPTIONS), ("both", STREETWORLD + CAPTIONS)],
)
def test_nouns_are_trained_in_the_sentences_names_are_asked_in(sampled, prompts, expected):
    stream = stream_of(passes=4, prompts=prompts)
    stream.sampled = sampled
    assert stream.collate(nouns=True).templates == expected


@pytest.mark.parametrize("name", WORKER_IMPORTS)
def test_what_workers_are_to_import_exists(name):
    importlib.import_module(name)
