"""A model's encoder behind stored features: the objective and a run cannot tell the difference."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from training.data.batches import Batch, normalize_images  # noqa: E402
from training.engine.frozen import freeze_encoder, hash_weights  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402
from training.losses.objective import MgcaObjective  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return MgcaModel(load_clip("mgca-tiny"), ModelConfig()).eval()


@pytest.fixture(scope="module")
def batch(model):
    images = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    tokens = tokenizer_for(model.clip)(["a red wall", "a dog", "the sea"])
    return Batch(images, tokens, torch.arange(3))


def test_the_objective_takes_features_that_are_there(model, batch):
    losses = LossConfig(
        tile_mixing=((1, 1), (1, 1)), noun_weight=0.0, same_cosine=1.1, clip_margin=None
    )
    features = model.encoder(normalize_images(batch.images_bhw3))
    told = dataclasses.replace(batch, features=features)
    wrong = dataclasses.replace(
        batch, features=dataclasses.replace(features, early_bchw=features.early_bchw + 1,
                                            embeddings_bdhw=-features.embeddings_bdhw)
    )  # fmt: skip
    with torch.no_grad():
        values = [
            float(MgcaObjective(model, losses, 0)(one)["loss"]) for one in (batch, told, wrong)
        ]
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert abs(values[0] - values[2]) > 1e-3


def test_what_a_frozen_encoder_says_and_is_known_by(model, batch):
    frozen = freeze_encoder(model, CPU, "fp32")
    truth = model.encoder(normalize_images(batch.images_bhw3))
    assert torch.equal(frozen.encode(batch.images_bhw3).late_bchw, truth.late_bchw)
    other = MgcaModel(load_clip("mgca-tiny"), ModelConfig(decoder_width=32, prompts="both"))
    other.clip.load_state_dict(model.clip.state_dict())
    assert freeze_encoder(other, CPU, "fp32").identity == frozen.identity
    before = hash_weights(other.encoder)
    with torch.no_grad():
        other.clip.visual.proj[0, 0] += 1
    assert hash_weights(other.encoder) != before
    assert freeze_encoder(other, CPU, "fp32").identity != frozen.identity
    early = MgcaModel(model.clip, ModelConfig(early_block=0))
    assert freeze_encoder(early, CPU, "fp32").identity != frozen.identity
