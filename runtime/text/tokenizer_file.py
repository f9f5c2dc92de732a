"""A tokenizer's file, checked part by part before the ``tokenizers`` library builds from it.

The library is written for files of its own. Here only parts come through that sentence encoders
have, no pattern of a stranger's is compiled, ids fit the encoder's numbers, and what is not used
(decoder, truncation, padding) is left out. A panic in it is no ``Exception`` and is caught as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.bundle.bounded_json import read_json
from runtime.bundle.limits import TOKENIZER_BYTES
from runtime.errors import BundleError

# Fields beside ``type`` of each part, with the types that their values may have. A dictionary of
# tokens, a template and the like have checks of their own.
_TEXT, _FLAG, _COUNT = (str,), (bool,), (int,)
_MODELS: dict[str, dict[str, tuple[type, ...]]] = {
    "BPE": {
        "dropout": (), "unk_token": _TEXT, "continuing_subword_prefix": _TEXT,
        "end_of_word_suffix": _TEXT, "fuse_unk": _FLAG, "byte_fallback": _FLAG,
        "ignore_merges": _FLAG, "vocab": (dict,), "merges": (list,),
    },
    "WordPiece": {
        "unk_token": _TEXT, "continuing_subword_prefix": _TEXT, "max_input_chars_per_word": _COUNT,
        "vocab": (dict,),
    },
    "WordLevel": {"unk_token": _TEXT, "vocab": (dict,)},
    "Unigram": {"unk_id": _COUNT, "byte_fallback": _FLAG, "vocab": (list,)},
}  # fmt: skip
_PARTS: dict[str, dict[str, dict[str, tuple[type, ...]]]] = {
    "normalizer": {
        "BertNormalizer": dict.fromkeys(
            ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), _FLAG
        ),
        **{name: {} for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")},
        "Strip": {"strip_left": _FLAG, "strip_right": _FLAG},
        "Prepend": {"prepend": _TEXT},
        "Replace": {"pattern": (dict,), "content": _TEXT},
        "Precompiled": {"precompiled_charsmap": _TEXT},
        "Sequence": {"normalizers": (list,)},
    },
    "pre_tokenizer": {
        **{name: {} for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")},
        "Digits": {"individual_digits": _FLAG},
        "Punctuation": {"behavior": _TEXT},
        "ByteLevel": {"add_prefix_space": _FLAG, "trim_offsets": _FLAG, "use_regex": _FLAG},
        "Metaspace": {"replacement": _TEXT, "prepend_scheme": _TEXT, "split": _FLAG,
                      "add_prefix_space": _FLAG, "str_rep": _TEXT},
        "Split": {"pattern": (dict,), "behavior": _TEXT, "invert": _FLAG},
        "Sequence": {"pretokenizers": (list,)},
    },
    "post_processor": {
        "TemplateProcessing": {"single": (list,), "pair": (list,), "special_tokens": (dict,)},
        "BertProcessing": {"sep": (list,), "cls": (list,)},
        "RobertaProcessing": {"sep": (list,), "cls": (list,), "trim_offsets": _FLAG,
                              "add_prefix_space": _FLAG},
        "ByteLevel": {"add_prefix_space": _FLAG, "trim_offsets": _FLAG, "use_regex": _FLAG},
        "Sequence": {"processors": (list,)},
    },
}  # fmt: skip
# Regular expressions of the multilingual sentence encoders: blanks in a row become one.
_PATTERNS = (" {2,}",)
_FLAGS = ("special", "single_word", "lstrip", "rstrip", "normalized")
_MOST_PARTS, _MOST_ADDED, _LONGEST = 16, 10_000, 10_000
_REMEDY = "export the bundle again with python -m export"

__all__ = ["check_tokenizer", "read_tokenizer"]


def read_tokenizer(
    path: str | os.PathLike[str], *, model_only: bool = False, keeps_padding: bool = False
) -> Any:
    """A ``tokenizers.Tokenizer`` out of a file; :class:`BundleError` if it is not one to be used.

    ``model_only`` leaves out everything around the model, which is then applied by hand;
    ``keeps_padding`` has the file say which token pads.
    """
    import tokenizers

    try:
        if Path(path).stat().st_size > TOKENIZER_BYTES:
            raise ValueError(f"larger than {TOKENIZER_BYTES >> 20} MiB")
        found = read_json(Path(path).read_bytes())
        record = check_tokenizer(found, model_only)
        if keeps_padding:
            record["padding"] = _checked_padding(found.get("padding"), record)
        return tokenizers.Tokenizer.from_str(json.dumps(record))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a bare Exception for any fault in the file; a panic is neither
        raise BundleError(
            f"{os.fspath(path)} is not a tokenizer file ({error}); {_REMEDY}"
        ) from None


def check_tokenizer(record: Any, model_only: bool = False) -> dict[str, Any]:
    """The parts of a file's record that are used; ValueError says which is wrong."""
    if not isinstance(record, dict) or not isinstance(record.get("model"), dict):
        raise ValueError("it holds no model")
    kept: dict[str, Any] = {"version": "1.0", "added_tokens": [], "model": record["model"]}
    _check_model(record["model"])
    if model_only:
        return kept
    kept["added_tokens"] = record.get("added_tokens", [])
    for name in _PARTS:
        kept[name] = record.get(name)
        _check_part(name, kept[name])
    most = len(record["model"]["vocab"]) + _MOST_ADDED
    _check_added(kept["added_tokens"], most)
    _check_ids(kept["post_processor"], most)
    return kept


def _checked_padding(padding: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """Which token pads; how far is the reader's business."""
    padding = padding if isinstance(padding, dict) else {}
    number, token = padding.get("pad_id"), padding.get("pad_token")
    if not _is_id(number, len(record["model"]["vocab"]) + _MOST_ADDED) or type(token) is not str:
        raise ValueError(f"it does not say which token pads: {str(padding)[:60]}")
    return {
        "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": number, "pad_type_id": 0, "pad_token": token[:_LONGEST],
    }  # fmt: skip


def _check_model(model: Mapping[str, Any]) -> None:
    kind = model.get("type")
    if kind not in _MODELS or not isinstance(kind, str):
        raise ValueError(f"a model of type {str(kind)[:40]!r}, expected {', '.join(_MODELS)}")
    _check_fields(model, _MODELS[kind], kind)
    vocabulary = model.get("vocab")
    if kind == "Unigram":
        _check_pieces(vocabulary, model.get("unk_id"))
        return
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise ValueError("its model has no vocabulary")
    ids = list(vocabulary.values())
    if not all(type(number) is int for number in ids):
        raise ValueError("an entry of its vocabulary has no number")
    # A gap costs nothing, a number out of all proportion would be a row that no encoder has.
    if min(ids) < 0 or max(ids) > 2 * len(ids) + _MOST_ADDED or len(set(ids)) < len(ids):
        raise ValueError("the numbers of its vocabulary are not one for each entry")
    unknown = model.get("unk_token")
    if unknown is not None and unknown not in vocabulary:
        raise ValueError("its token for the unknown is not in the vocabulary")
    if kind == "BPE":
        _check_merges(model.get("merges"), vocabulary, model)


def _check_merges(merges: Any, vocabulary: Mapping[str, int], model: Mapping[str, Any]) -> None:
    if not isinstance(merges, list):
        raise ValueError("its model has no merges")
    prefix = model.get("continuing_subword_prefix") or ""
    for merge in merges:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{str(merge)[:40]!r} is no merge of two")
        if not all(isinstance(part, str) and part in vocabulary for part in pair):
            raise ValueError(f"the merge {str(merge)[:40]!r} is not of its vocabulary")
        if pair[0] + pair[1].removeprefix(prefix) not in vocabulary:
            raise ValueError(f"the merge {str(merge)[:40]!r} makes what is not in its vocabulary")


def _check_pieces(pieces: Any, unknown: Any) -> None:
    if not isinstance(pieces, list) or not pieces:
        raise ValueError("its model has no vocabulary")
    for piece in pieces:
        if (
            not isinstance(piece, list)
            or len(piece) != 2
            or not isinstance(piece[0], str)
            or type(piece[1]) not in (int, float)
            or not abs(piece[1]) < 1e9
        ):
            raise ValueError(f"{str(piece)[:40]!r} is no piece with its score")
    if unknown is not None and not (type(unknown) is int and 0 <= unknown < len(pieces)):
        raise ValueError("its token for the unknown is not in the vocabulary")


def _check_part(name: str, part: Any, depth: int = 0) -> None:
    if part is None and not depth:
        return
    kinds = _PARTS[name]
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"a {name} of type {str(kind)[:40]!r}, expected one of {', '.join(kinds)}")
    _check_fields(part, kinds[kind], kind)
    if kind == "Replace":
        _check_replacement(part)
    if kind == "Split":
        _check_separator(part)
    if kind == "TemplateProcessing":
        _check_template(part)
    if kind != "Sequence":
        return
    (inner,) = (value for key, value in part.items() if key != "type")
    if depth or len(inner) > _MOST_PARTS:
        raise ValueError(f"a {name} of sequences in each other, or of too many parts")
    for one in inner:
        _check_part(name, one, depth + 1)


def _check_replacement(part: Mapping[str, Any]) -> None:
    """What is replaced must be a text, or several blanks, and may not grow: parts follow parts."""
    (how, pattern), *more = (part.get("pattern") or {"": ""}).items()
    known = how == "String" or (how == "Regex" and pattern in _PATTERNS)
    content = part.get("content")
    if (
        more
        or not known
        or not isinstance(pattern, str)
        or not isinstance(content, str)
        or not pattern
    ):
        raise ValueError(f"Replace has pattern {str(part.get('pattern'))[:40]!r}")
    if len(content) > len(pattern):
        raise ValueError(f"Replace makes {pattern[:40]!r} longer")


def _check_separator(part: Mapping[str, Any]) -> None:
    """What splits a text must be a text: no pattern of a stranger's is compiled."""
    pattern = part.get("pattern") or {}
    texts = list(pattern.values())
    if list(pattern) != ["String"] or type(texts[0]) is not str or not texts[0]:
        raise ValueError(f"Split has pattern {str(pattern)[:40]!r}")


def _check_template(part: Mapping[str, Any]) -> None:
    """What a template puts around a text must be described: it is looked up without a question."""
    described = part.get("special_tokens") or {}
    for token, says in described.items():
        ids, tokens = (
            says.get(key) if isinstance(says, dict) else None for key in ("ids", "tokens")
        )
        if (
            not isinstance(ids, list)
            or not isinstance(tokens, list)
            or len(ids) != len(tokens)
            or not all(type(one) is str for one in tokens)
        ):
            raise ValueError(f"its template describes {token[:40]!r} as {str(says)[:60]!r}")
    for piece in [*(part.get("single") or []), *(part.get("pair") or [])]:
        (kind, what), *more = piece.items() if isinstance(piece, dict) and piece else [("", None)]
        name = what.get("id") if isinstance(what, dict) else None
        known = described if kind == "SpecialToken" else ("A", "B") if kind == "Sequence" else ()
        if more or not isinstance(name, str) or name not in known:
            raise ValueError(f"its template has {str(piece)[:60]!r}, which nothing describes")


def _check_fields(part: Mapping[str, Any], known: Mapping[str, Any], kind: str) -> None:
    for key, value in part.items():
        if key == "type" or (key in known and value is None):
            continue
        if key not in known or type(value) not in known[key]:
            raise ValueError(f"{kind} has {key[:40]} {str(value)[:40]!r}")
        if type(value) is str and len(value) > _LONGEST and key != "precompiled_charsmap":
            raise ValueError(f"{kind} has {key[:40]} of {len(value)} letters")
        if type(value) is int and not 0 <= value <= _LONGEST and key != "unk_id":
            raise ValueError(f"{kind} has {key[:40]} {value}")


def _check_added(added: Any, most: int) -> None:
    if not isinstance(added, list) or len(added) > _MOST_ADDED:
        raise ValueError("its added tokens are no list, or too many")
    for token in added:
        if (
            not isinstance(token, dict)
            or not _is_id(token.get("id"), most)
            or not isinstance(token.get("content"), str)
            or not 0 < len(token["content"]) <= _LONGEST
            or not all(type(token.get(flag, False)) is bool for flag in _FLAGS)
        ):
            raise ValueError(f"{str(token)[:60]} is no added token")


def _check_ids(part: Any, most: int) -> None:
    """Numbers of tokens that a post-processor puts around a text, wherever they stand in it."""
    if isinstance(part, dict):
        for value in part.values():
            _check_ids(value, most)
    elif isinstance(part, list):
        for value in part:
            _check_ids(value, most)
    elif type(part) in (int, float) and not _is_id(part, most):
        raise ValueError(f"its post_processor names the token {part}")


def _is_id(number: Any, most: int) -> bool:
    return type(number) is int and 0 <= number < most
