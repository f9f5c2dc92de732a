"""WebDataset shards: real tar files with real JPEGs."""

from __future__ import annotations

import copy
import io
import tarfile

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("webdataset")

from runtime.errors import UserError  # noqa: E402
from tests.support.shards import encode_picture, numbered_pairs, write_shard  # noqa: E402
from training.config.optimiser import PhaseConfig  # noqa: E402
from training.config.run import PretrainConfig, TrainConfig  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.crops import Cropping, crop_and_resize  # noqa: E402
from training.data.portions import UNREADABLE  # noqa: E402
from training.data.shards import (  # noqa: E402
    ShardSource,
    Tally,
    check_shards,
    find_shards,
    shard_batches,
)
from training.data.source import Span  # noqa: E402
from training.data.stream import PairStream  # noqa: E402
from training.engine.distributed import Processes  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402
from training.pretrain.teacher import NounTeacher  # noqa: E402

CAPTIONS = {
    "red": "a red wall and a door",
    "green": "a green wall and a tree",
    "blue": "a blue wall and a window",
}


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path):
    """Two shards of three plainly colored pictures each, with :data:`CAPTIONS`."""
    colors = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard:03}.tar", "w") as archive:
            for index, (word, bgr) in enumerate(colors.items()):
                image = np.full((40 + 10 * index, 60, 3), bgr, np.uint8)
                add(archive, f"{shard}{index}.jpg", cv2.imencode(".jpg", image)[1].tobytes())
                add(archive, f"{shard}{index}.txt", f"{CAPTIONS[word]}\n".encode())
    return str(tmp_path / "{000..001}.tar")


def test_pictures_keep_their_captions(shards):
    tokenizer = tokenizer_for(load_clip("mgca-tiny"))
    batches = list(
        shard_batches(
            shards=shards,
            steps=3,
            batch=4,
            cropping=Cropping((32, 24)),
            seed=1,
            collate=Collate(tokenizer),
            workers=0,
        )
    )
    assert len(batches) == 3
    expected = {word: tokenizer([caption])[0] for word, caption in CAPTIONS.items()}
    for batch in batches:
        assert batch.images_bhw3.shape == (4, 24, 32, 3)
        assert batch.owner_j.tolist() == [0, 1, 2, 3]
        for image, tokens in zip(batch.images_bhw3, batch.tokens_jl, strict=True):
            channel = int(image.float().mean(dim=(0, 1)).argmax())
            assert torch.equal(tokens, expected[("red", "green", "blue")[channel]])


@pytest.mark.parametrize("height_width", [(24, 32), (10, 500), (500, 10), (1, 1), (97, 133)])
def test_crops_have_the_wanted_size(height_width):
    image = np.zeros((*height_width, 3), np.uint8)
    for seed in range(5):
        crop = crop_and_resize(image, (32, 24), np.random.default_rng(seed))
        assert crop.shape == (24, 32, 3)


def test_a_missing_shard_is_named(tmp_path):
    with pytest.raises(UserError, match=r"000\.tar' of --train-data does not exist"):
        find_shards(str(tmp_path / "{000..002}.tar"))


def test_independent_pairs_make_a_mosaic(shards, clip):
    """Nine images with captions of their own are one mosaic to the pupil and its teacher."""
    phase = PretrainConfig(
        steps=1,
        batch=9,
        tile_mixing=((1, 1), (1, 1)),
        patch_dropout=0.0,
        mosaic=(3, 3),
        mosaic_share=1.0,
    )
    data = DataConfig(shards=shards, size_wh=(32, 24), workers=0)
    config = TrainConfig(data=data, pretrain=phase, device="cpu")
    stream = PairStream(config, MgcaModel(clip, config.model), Processes("cpu"))
    stream.sample_scenes = 36
    stream.check_mosaic(phase.mosaic, data.first_seed)
    (batch,) = stream.batches(phase, 0, 0, stream.collate(nouns=True))
    assert batch.owner_j.tolist() == list(range(9))
    assert batch.named_bu.sum(1).tolist() == [2] * 9

    teacher = NounTeacher(copy.deepcopy(clip))
    shown = {"pupil": set(), "teacher": set()}
    for name, tower in (("pupil", clip), ("teacher", teacher.clip)):
        tower.visual.conv1.register_forward_pre_hook(
            lambda _module, inputs, name=name: shown[name].add(tuple(inputs[0].shape))
        )
    clip.requires_grad_(True)
    losses = ClipObjective(clip.train(), phase, teacher)(batch)
    losses["loss"].backward()
    mosaics = (1, 3, 3 * 24, 3 * 32)
    assert mosaics in shown["pupil"] and mosaics in shown["teacher"]
    assert float(losses["cover"].detach()) > 0
    assert clip.visual.conv1.halve1[0].weight.grad.abs().sum() > 0


def test_a_step_late_in_the_phase_has_batches_left(shards):
    config = TrainConfig(data=DataConfig(shards=shards, size_wh=(32, 24), workers=0))
    stream = PairStream(config, MgcaModel(load_clip("mgca-tiny"), config.model), Processes("cpu"))
    batches = stream.batches(PhaseConfig(steps=5, batch=2), 0, 3, stream.collate(nouns=False))
    assert len(list(batches)) == 2


def tokenize(texts):
    return torch.tensor([[int(text)] for text in texts])


def read_numbers(path, *, steps, batch, workers=0, rank=0, count=1, seed=0, tally=None):
    """The numbers that are the captions of :func:`numbered_pairs`, batch by batch."""
    batches = shard_batches(
        shards=str(path),
        steps=steps,
        batch=batch,
        cropping=Cropping((16, 16)),
        seed=seed,
        collate=Collate(tokenize),
        workers=workers,
        rank=rank,
        count=count,
        tally=tally,
    )
    return [batch.tokens_jl[:, 0].tolist() for batch in batches]


def flat(batches):
    return [number for batch in batches for number in batch]


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_an_epoch_is_shared_out_among_processes(tmp_path, shards, count):
    """Every pair once, whatever the numbers of shards and readers."""
    for shard in range(shards):
        write_shard(tmp_path / f"{shard}.tar", numbered_pairs(12, 12 * shard))
    pattern = tmp_path / (f"{{0..{shards - 1}}}.tar" if shards > 1 else "0.tar")
    steps = 12 * shards // count
    seen = [flat(read_numbers(pattern, steps=steps, batch=1, rank=r, count=count))
            for r in range(count)]  # fmt: skip
    assert sorted(flat(seen)) == list(range(12 * shards))


@pytest.mark.slow  # workers are processes, each imports torch
def test_two_workers_of_one_shard_do_not_repeat(tmp_path):
    """With webdataset 1.0.2's resampling every worker gave the same batches: seen 2 x."""
    shard = write_shard(tmp_path / "a.tar", numbered_pairs(20))
    first, second = (read_numbers(shard, steps=5, batch=4, workers=2, seed=s) for s in (1, 2))
    # Of ten each: two whole batches, and half a third that the next epoch fills.
    assert len(set(flat(first[:4]))) == 16
    assert first != second
    assert first == read_numbers(shard, steps=5, batch=4, workers=2, seed=1)


def test_an_epoch_comes_in_another_order_than_the_last(tmp_path):
    shard = write_shard(tmp_path / "a.tar", numbered_pairs(20))
    first, second = read_numbers(shard, steps=2, batch=20)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second and first != sorted(first)


def test_broken_pictures_are_counted_and_cost_no_sleep(tmp_path, monkeypatch):
    """The handler webdataset.warn_and_continue (1.0.2) sleeps half a second for each of them."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    shard = write_shard(tmp_path / "a.tar", numbered_pairs(20, broken=range(0, 20, 2)))
    tally = Tally()
    (batch,) = read_numbers(shard, steps=1, batch=10, tally=tally)
    assert sorted(batch) == list(range(1, 20, 2))
    assert tally.pairs == 10
    # The last of them may come after the last whole one.
    assert 5 <= tally.passed_over[UNREADABLE] <= 10 and list(tally.passed_over) == [UNREADABLE]
    read_numbers(shard, steps=2, batch=10, tally=tally)
    assert tally.passed_over[UNREADABLE] > 10


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_epoch_without_a_usable_pair_is_an_error(tmp_path, workers):
    shard = write_shard(tmp_path / "a.tar", numbered_pairs(3, broken=range(3)))
    with pytest.raises(UserError, match=r"not one usable pair .*\d pictures that cannot be read"):
        read_numbers(shard, steps=1, batch=1, workers=workers)


def test_fewer_pairs_than_readers_still_give_batches(tmp_path):
    shard = write_shard(tmp_path / "a.tar", numbered_pairs(2, broken=[0]))
    for rank in range(3):
        assert read_numbers(shard, steps=2, batch=2, rank=rank, count=3) == [[1, 1], [1, 1]]


def test_every_local_shard_is_looked_into_first(tmp_path):
    shards = [
        write_shard(tmp_path / f"{number}.tar", numbered_pairs(3, broken=broken))
        for number, broken in enumerate([(0, 1), (0, 1, 2)])
    ]
    check_shards(shards[:1])
    with pytest.raises(UserError, match=r"1\.tar' of --train-data has no picture .* tried 3"):
        check_shards(shards)
    empty = write_shard(tmp_path / "1.tar", [])
    check_shards(shards)
    with pytest.raises(UserError, match=r"none of its 2 shards holds a file, such as '.*1\.tar'"):
        check_shards([empty, empty])
    (tmp_path / "1.tar").write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"1\.tar' of --train-data is no tar file"):
        check_shards(shards)


def test_a_list_of_captions_is_drawn_from(tmp_path):
    members = [("0.jpg", encode_picture()), ("0.json", '["1", "2", "3"]')]
    source = ShardSource(
        DataConfig(shards=write_shard(tmp_path / "a.tar", members), size_wh=(16, 16), workers=0), 0
    )
    span = Span(steps=40, start=0, batch=1, captions=2, first_seed=0)
    drawn = [tuple(b.tokens_jl[:, 0].tolist()) for b in source.batches(span, Collate(tokenize))]
    assert {len(set(one)) for one in drawn} == {2}
    assert {number for one in drawn for number in one} == {1, 2, 3}
    assert source.take_tally().pairs == 40
    assert source.take_tally().pairs == 0


def test_the_next_leg_and_a_resumed_run_have_another_order(tmp_path):
    data = DataConfig(
        shards=write_shard(tmp_path / "a.tar", numbered_pairs(20)), size_wh=(16, 16), workers=0
    )
    orders = [
        next(iter(ShardSource(data, seed).batches(span, Collate(tokenize)))).tokens_jl[:, 0]
        for seed, span in [
            (0, Span(steps=9, start=0, batch=20, captions=1, first_seed=0)),
            (0, Span(steps=9, start=1, batch=20, captions=1, first_seed=0)),
            (0, Span(steps=9, start=0, batch=20, captions=1, first_seed=1)),
            (1, Span(steps=9, start=0, batch=20, captions=1, first_seed=0)),
        ]
    ]
    assert len({tuple(order.tolist()) for order in orders}) == 4
