"""Tokenizers of strangers: what comes through to the library, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import BundleError
from runtime.text.tokenizer_file import check_tokenizer, read_tokenizer
from tests.support.sentence_folder import tokenizer_json

REGEX = {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": False}


def templated(single: list[Any], **described: Any) -> dict[str, Any]:
    """A post-processor with that template."""
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": described}


def replacing(how: str, pattern: str, content: str) -> dict[str, Any]:
    """A normalizer of that kind."""
    return {"type": "Replace", "pattern": {how: pattern}, "content": content}


@pytest.fixture
def bpe(graphs: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(graphs.tokenizer())
    return record


def test_what_is_not_used_is_left_out() -> None:
    record = json.loads(tokenizer_json())
    kept = check_tokenizer(record)
    assert not {"decoder", "truncation", "padding"} & kept.keys()
    assert kept["post_processor"] == record["post_processor"]
    assert check_tokenizer(record, model_only=True).keys() == {"version", "added_tokens", "model"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pre_tokenizer": REGEX}, "Split has pattern"),
        ({"normalizer": {"type": "Lowercase", "more": 1}}, "Lowercase has more '1'"),
        (
            {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 17}},
            "too many parts",
        ),
        (
            {"normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Sequence", "normalizers": []}]}},
            "sequences in each other",
        ),
        ({"normalizer": replacing("Regex", "a+", "")}, "Replace has pattern"),
        ({"normalizer": replacing("String", "", "")}, "Replace has pattern"),
        ({"normalizer": replacing("String", "a", "bb")}, "Replace makes 'a' longer"),
        ({"added_tokens": [{"id": 1 << 31, "content": "a"}]}, "is no added token"),
        ({"added_tokens": [{"id": 1, "content": ""}]}, "is no added token"),
        ({"post_processor": {"type": "BertProcessing", "sep": ["a", 1 << 31], "cls": ["a", 1]}},
         "names the token 2147483648"),
        ({"post_processor": templated([{"SpecialToken": {"id": "[PAD]", "type_id": 0}}])},
         "which nothing describes"),
        ({"post_processor": templated([{"Sequence": {"id": "C", "type_id": 0}}])},
         "which nothing describes"),
        ({"post_processor": templated(["$A"])}, "which nothing describes"),
        ({"post_processor": templated([], a={"id": "a", "ids": [1, 2], "tokens": ["a"]})},
         "its template describes 'a' as"),
        ({"model": None}, "it holds no model"),
        ({"model": {"type": "Other"}}, "a model of type 'Other'"),
        ({"model": {"type": "WordPiece", "vocab": {}}}, "has no vocabulary"),
        ({"model": {"type": "Unigram", "vocab": [["a", 0.5]], "unk_id": 1}}, "for the unknown"),
        ({"model": {"type": "Unigram", "vocab": [["a"]]}}, "is no piece with its score"),
    ],
)  # fmt: skip
def test_parts_that_no_sentence_encoder_has(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_tokenizer(json.loads(tokenizer_json(**changes)))


def test_multilingual_encoders_take_blanks_together(tmp_path: Path) -> None:
    parts = [replacing("Regex", " {2,}", " "), replacing("String", "a", "b"), {"type": "Lowercase"}]
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json(normalizer={"type": "Sequence", "normalizers": parts}))
    assert read_tokenizer(path).normalizer.normalize_str("A   a") == "a b"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda model: model.update(merges=["a"]), "'a' is no merge of two"),
        (lambda model: model.update(merges=["a zz"]), "is not of its vocabulary"),
        (lambda model: model.update(merges=["a b"]), "makes what is not in its vocabulary"),
        (lambda model: model.update(dropout=0.5), "BPE has dropout '0.5'"),
        (lambda model: model.update(unk_token="none"), "for the unknown is not in the vocabulary"),
        (lambda model: model["vocab"].update(a=-1), "are not one for each entry"),
        (lambda model: model["vocab"].update(a=5), "are not one for each entry"),
        (lambda model: model["vocab"].update(a="5"), "has no number"),
        (lambda model: model["vocab"].update(a=1 << 31), "are not one for each entry"),
    ],
)
def test_models_that_do_not_hold_together(
    bpe: dict[str, Any], change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    assert check_tokenizer(bpe, model_only=True)
    change(bpe["model"])
    with pytest.raises(ValueError, match=reason):
        check_tokenizer(bpe, model_only=True)


def test_a_panic_of_the_library_is_an_error_of_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panic in Rust comes as a ``BaseException``, which no ``except Exception`` catches."""
    import tokenizers

    class PanicException(BaseException):
        pass

    class Panicking:
        @staticmethod
        def from_str(text: str) -> None:
            raise PanicException("index out of bounds")

    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json())
    monkeypatch.setattr(tokenizers, "Tokenizer", Panicking)
    with pytest.raises(BundleError, match=r"is not a tokenizer file \(index out of bounds"):
        read_tokenizer(path)
