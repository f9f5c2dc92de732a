"""The text tower written out for export, against open_clip's own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from export.text.encoder import TextEncoder, TokenEmbedding, check_text_tower  # noqa: E402
from runtime.errors import UserError  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402

TEXTS = ["a purple bus", "dog", "a photo of a car on a wet road at night!"]


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    return load_clip("mgca-tiny")


@torch.no_grad()
def test_is_open_clips_tower(clip) -> None:
    tokens = tokenizer_for(clip)(TEXTS)
    torch.testing.assert_close(
        TextEncoder(clip)(tokens), clip.encode_text(tokens), atol=1e-4, rtol=1e-4
    )


@torch.no_grad()
def test_padding_may_be_cut(clip) -> None:
    tokens = tokenizer_for(clip)(TEXTS)
    encoder = TextEncoder(clip)
    torch.testing.assert_close(encoder(tokens[:, :14]), encoder(tokens), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("storage", "least"), [("fp16", 0.999999), ("int8", 0.999)])
@torch.no_grad()
def test_smaller_token_tables_stay_close(clip, storage, least) -> None:
    tokens = tokenizer_for(clip)(TEXTS)
    cosine = torch.cosine_similarity(TextEncoder(clip, storage)(tokens), clip.encode_text(tokens))
    assert cosine.min() > least


def test_int8_rows_by_hand() -> None:
    table = TokenEmbedding(torch.tensor([[1.27, -0.635], [0.0, 0.0]]), "int8")
    assert table.table.tolist() == [[127, -64], [0, 0]]
    row = table(torch.tensor([[0, 1]]))[0]
    torch.testing.assert_close(row, torch.tensor([[1.27, -0.64], [0.0, 0.0]]))


def test_other_towers_are_refused(clip) -> None:
    pool, clip.text_pool_type = clip.text_pool_type, "last"
    try:
        with pytest.raises(UserError, match="pooling 'last'"):
            check_text_tower(clip)
    finally:
        clip.text_pool_type = pool
