"""Narrower embeddings say what the wide ones said in the directions that are kept."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.checkpoints.narrow import narrow_model, principal_directions  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.model.unit_length import normalize  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    model = MgcaModel(load_clip("mgca-small"), ModelConfig(clip_name="mgca-small"))
    for parameter in model.parameters():
        # Gates and biases of a new model are zero; a trained one's are not.
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval()


@pytest.fixture(scope="module")
def directions():
    generator = torch.Generator().manual_seed(4)
    return torch.linalg.qr(torch.randn(128, 48, generator=generator)).Q


@torch.no_grad()
def test_the_narrow_model_projects(model, directions):
    narrow = narrow_model(model, "mgca-narrow", directions)
    images = torch.randn(1, 3, 48, 64)
    wide = model.decoder(model.encoder(images), images)
    found = narrow.decoder(narrow.encoder(images), images)
    expected = torch.einsum("bdhw,dr->brhw", wide, directions)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    tokens = tokenizer_for(model.clip)(["a car", "a boat"])
    expected = normalize(model.encode_text(tokens) @ directions, dim=1)
    torch.testing.assert_close(narrow.encode_text(tokens), expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_directions_are_those_of_pixels_and_captions(model):
    images = [torch.randint(0, 255, (1, 48, 64, 3), dtype=torch.uint8)]
    tokens = tokenizer_for(model.clip)(["a car", "a boat"])
    found = principal_directions(model, images, [tokens], 8)
    torch.testing.assert_close(found.T @ found, torch.eye(8), atol=1e-5, rtol=0)
    text = model.encode_text(tokens)
    assert ((text @ found).norm(dim=1) > 0.9).all()


def test_other_towers_are_refused(model, directions):
    with pytest.raises(UserError, match="mgca-tiny differs from mgca-small in more than the width"):
        narrow_model(model, "mgca-tiny", directions)
