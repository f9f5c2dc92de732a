"""tokenizer.json gives open_clip's ids."""

from __future__ import annotations

import json
import random

import pytest

from export.text.tokenizer import build_tokenizer_json, byte_alphabet

open_clip_tokenizer = pytest.importorskip("open_clip.tokenizer")


@pytest.fixture(scope="module")
def document() -> bytes:
    return build_tokenizer_json()


def test_vocabulary_is_open_clips(document: bytes) -> None:
    expected = open_clip_tokenizer.SimpleTokenizer().encoder
    assert json.loads(document)["model"]["vocab"] == expected


def test_byte_alphabet_is_open_clips() -> None:
    assert byte_alphabet() == list(open_clip_tokenizer.bytes_to_unicode().values())


def test_runtime_reads_it_and_gives_open_clips_tokens(document: bytes, tmp_path) -> None:
    from runtime.text.tokenizer import Tokenizer

    path = tmp_path / "tokenizer.json"
    path.write_bytes(document)
    ours, theirs = Tokenizer(path, 77), open_clip_tokenizer.SimpleTokenizer()
    pieces = [
        "a", "photo", "purple", "bus", "don't", "naïve", "北京", "😀", "123", "&amp;", "<b>",
        "ﬁ", "É", "<start_of_text>", "!", "...", "x_y",
        "\u200b", "ÃƒÂ©", "I'LL", "ß", "١٢", "\t", "e\u0301",
    ]  # fmt: skip
    generator = random.Random(0)
    texts = [
        generator.choice(["", " "]).join(generator.choices(pieces, k=generator.randint(1, 8)))
        for _ in range(400)
    ]
    assert (ours(texts) == theirs(texts).numpy()).all()
