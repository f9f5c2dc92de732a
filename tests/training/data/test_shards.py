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
from training.config.optimiser import PhaseConfig  # noqa: E402
from training.config.run import PretrainConfig, TrainConfig  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.shards import crop_and_resize, find_shards, shard_batches  # noqa: E402
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
            size_wh=(32, 24),
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
    """Nine images with captions of their own are one photograph to the pupil and its teacher."""
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
    photographs = (1, 3, 3 * 24, 3 * 32)
    assert photographs in shown["pupil"] and photographs in shown["teacher"]
    assert float(losses["cover"].detach()) > 0
    assert clip.visual.conv1.halve1[0].weight.grad.abs().sum() > 0


def test_a_step_late_in_the_phase_has_batches_left(shards):
    config = TrainConfig(data=DataConfig(shards=shards, size_wh=(32, 24), workers=0))
    stream = PairStream(config, MgcaModel(load_clip("mgca-tiny"), config.model), Processes("cpu"))
    batches = stream.batches(PhaseConfig(steps=5, batch=2), 0, 3, stream.collate(nouns=False))
    assert len(list(batches)) == 2
