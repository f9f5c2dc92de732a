"""SigLIP's tokenizer against open_clip's own wrapper of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stand_in_tokenizer import write_tokenizer
from runtime.errors import BundleError
from runtime.text.canonical_tokenizer import canonicalize
from runtime.text.open_tokenizer import open_tokenizer

TEXTS = ["A photo of the SKY!", "", "it's   a stop_sign &amp; more", "naïve – road", "car " * 30]


def _padded(path: Path, pad: int, token: str) -> None:
    write_tokenizer(path)
    record = json.loads(path.read_text())
    record["padding"] = {"pad_id": pad, "pad_token": token}
    path.write_text(json.dumps(record))


def test_ids_are_those_of_open_clip(tmp_path: Path) -> None:
    open_clip = pytest.importorskip("open_clip")
    pytest.importorskip("transformers")
    path = tmp_path / "tokenizer.json"
    write_tokenizer(path)
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "</s>", "eos_token": "</s>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    theirs = open_clip.tokenizer.HFTokenizer(str(tmp_path), 16, clean="canonicalize")(TEXTS)
    _padded(path, 1, "</s>")
    ours = open_tokenizer(path, 16, "canonical-unigram")
    np.testing.assert_array_equal(ours(TEXTS), theirs.numpy())
    assert ours(TEXTS)[1].tolist() == [1] * 16
    assert ours.count("A photo") == 3
    assert ours.is_word("Photo!")


def test_texts_are_cleaned_as_open_clip_cleans_them() -> None:
    open_clip = pytest.importorskip("open_clip")
    clean = open_clip.tokenizer.get_clean_fn("canonicalize")
    assert [canonicalize(text) for text in TEXTS] == [clean(text) for text in TEXTS]


@pytest.mark.parametrize("padding", [None, {"pad_id": -1, "pad_token": "x"}, {"pad_id": 1}])
def test_a_file_must_say_which_token_pads(tmp_path: Path, padding: object) -> None:
    path = tmp_path / "tokenizer.json"
    write_tokenizer(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "padding": padding}))
    with pytest.raises(BundleError, match="does not say which token pads"):
        open_tokenizer(path, 16, "canonical-unigram")


def test_a_pattern_of_a_strangers_is_not_compiled(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    _padded(path, 1, "</s>")
    record = json.loads(path.read_text())
    for pattern in ({"Regex": "a+"}, {"String": ""}, {}):
        record["pre_tokenizer"] = {"type": "Split", "pattern": pattern, "behavior": "Isolated"}
        path.write_text(json.dumps({**record}))
        with pytest.raises(BundleError, match="Split has pattern"):
            open_tokenizer(path, 16, "canonical-unigram")
