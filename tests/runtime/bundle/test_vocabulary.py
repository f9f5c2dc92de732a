from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import (
    Bundle,
    Vocabulary,
    read_vocabulary,
    write_vocabulary,
)
from runtime.errors import BundleError


def test_vocabulary_is_read_back(tmp_path: Path, vocabulary: Vocabulary) -> None:
    write_vocabulary(tmp_path / "words", vocabulary)
    again = read_vocabulary(tmp_path / "words")
    assert again.names == vocabulary.names
    np.testing.assert_array_equal(again.embeddings, vocabulary.embeddings)
    np.testing.assert_array_equal(again.find(" Dark  RED"), vocabulary.embeddings[5])
    assert again.find("mauve") is None


def test_vocabulary_must_fit_the_manifest(
    make_bundle: Callable[..., Bundle], vocabulary: Vocabulary
) -> None:
    from dataclasses import replace

    wide = np.eye(6, 4, dtype=np.float32)
    wide[4:, 0] = 1.0
    cases = {
        "embedding width than manifest.json names (4, expected 3)": replace(
            vocabulary, embeddings=wide, text_center=np.zeros(4, np.float32)
        ),
        "prompt templates than manifest.json names (ffffffffffff..., expected": replace(
            vocabulary, templates_sha256="f" * 64
        ),
        "text encoder than manifest.json names (ffffffffffff..., expected eeeeeeeeeeee...)": replace(  # noqa: E501
            vocabulary, text_encoder_sha256="f" * 64
        ),
    }  # fmt: skip
    for part, words in cases.items():
        bundle = make_bundle(words=words)
        with pytest.raises(BundleError) as caught:
            bundle.vocabulary()
        assert f"vocabulary.safetensors was made with another {part}" in str(caught.value)


def test_broken_vocabularies(tmp_path: Path, vocabulary: Vocabulary) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "words"
    good = {"embeddings": vocabulary.embeddings, "text_center": vocabulary.text_center}
    about = {
        "names": json.dumps(vocabulary.names),
        "templates_sha256": "0",
        "text_encoder_sha256": "0",
    }
    rows = vocabulary.embeddings
    nan = rows.copy()
    nan[0, 0] = np.nan
    cases: list[tuple[dict[str, np.ndarray], dict[str, str], str]] = [
        ({"embeddings": rows}, about, "has no tensor text_center"),
        (good, {**about, "names": "{}"}, "names should be a JSON list of texts"),
        (good, {"names": "[]"}, "has no templates_sha256 in its metadata"),
        (good, {**about, "names": '["a"]'}, "embeddings is float32 (6, 3), expected float32 (1, D)"),  # noqa: E501
        ({**good, "embeddings": rows.astype(np.float16)}, about, "embeddings is float16 (6, 3)"),
        ({**good, "text_center": rows[0, :2]}, about, "text_center is float32 (2), expected float32 (3)"),  # noqa: E501
        ({**good, "embeddings": rows * 2}, about, "embeddings are not L2-normalised finite rows"),
        ({**good, "embeddings": nan}, about, "embeddings are not L2-normalised finite rows"),
        (good, {**about, "names": '["a","A","b","c","d","e"]'}, "a name is empty or there twice"),
    ]  # fmt: skip
    for tensors, metadata, expected in cases:
        save_file(
            {name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, metadata
        )
        with pytest.raises(BundleError) as caught:
            read_vocabulary(path)
        assert expected in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"not safetensors")
    with pytest.raises(BundleError, match="is not a vocabulary file"):
        read_vocabulary(path)
