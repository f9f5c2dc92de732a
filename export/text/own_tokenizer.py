"""A text tower's own tokenizer, where it is not CLIP's: a file, never fetched without being asked.

SigLIP's texts go through a SentencePiece vocabulary (T5's or Gemma's), which open_clip takes from
Hugging Face's hub. What is needed of it is one ``tokenizer.json``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from open_clip import get_model_config
from torch import Tensor

from runtime.errors import BundleError, UserError
from runtime.text.canonical_tokenizer import CANONICAL, CanonicalTokenizer

TOKENIZER_JSON = "tokenizer.json"
# Which token fills a text up, where no file says it: T5's kind takes its end token.
_PADDING = {"unigram": "</s>", "bpe": "<pad>"}

__all__ = ["OwnTokenizer", "find_tokenizer", "own_tokenizer_name"]


@dataclass(frozen=True)
class OwnTokenizer:
    """What a bundle carries of a tower's own tokenizer.

    Attributes:
        content: its ``tokenizer.json``, the padding said in it.
        kind: what the manifest says of it, such as ``canonical-unigram``.
    """

    content: bytes
    kind: str

    def as_tensor(self, context_length: int) -> Callable[[list[str]], Tensor]:
        """The runtime's own reading of it: texts to token ids int64 (n, context length).

        Raises:
            BundleError: the runtime does not take the file.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / TOKENIZER_JSON
            path.write_bytes(self.content)
            tokenizer = CanonicalTokenizer(path, context_length, self.kind)
        return lambda texts: torch.from_numpy(tokenizer(texts))


def own_tokenizer_name(clip_name: str) -> str | None:
    """Where open_clip takes a model's tokenizer from on the hub; None: it is CLIP's own."""
    text = (get_model_config(clip_name) or {}).get("text_cfg", {})
    return text.get("hf_tokenizer_name") or None


def find_tokenizer(clip_name: str, given: Path | None, *, fetches: bool) -> OwnTokenizer | None:
    """A model's own tokenizer; None where it is CLIP's.

    Args:
        clip_name: open_clip's name of the model.
        given: a ``tokenizer.json``, or the folder that it is in; None: Hugging Face's cache.
        fetches: weights come from the network, so the tokenizer may, too.

    Raises:
        UserError: it is not there, or is none that the model's texts can be read with.
    """
    source = own_tokenizer_name(clip_name)
    if source is None:
        if given is None:
            return None
        raise UserError(f"--tokenizer {given}: {clip_name} has CLIP's own tokenizer; leave it out")
    config = get_model_config(clip_name)["text_cfg"]
    options = config.get("tokenizer_kwargs", {})
    if options != {"clean": "canonicalize"}:
        raise UserError(
            f"CLIP model '{clip_name}' cannot be used: its tokenizer ({source}) cleans texts in a "
            "way that the runtime does not have; expected CLIP's own tokenizer or SigLIP's"
        )
    path = _locate(clip_name, source, given, fetches=fetches)
    return _read(path, int(config["vocab_size"]), int(config["context_length"]))


def _locate(clip_name: str, source: str, given: Path | None, *, fetches: bool) -> Path:
    if given is not None:
        path = given / TOKENIZER_JSON if given.is_dir() else given
        if path.is_file():
            return path
        raise UserError(f"--tokenizer {given}: no such file; expected {source}'s {TOKENIZER_JSON}")
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(source, TOKENIZER_JSON)
    if isinstance(cached, str):
        return Path(cached)
    reason = "is not in Hugging Face's cache"
    if fetches:
        try:
            return Path(hf_hub_download(source, TOKENIZER_JSON))
        except Exception as error:  # each release of the library has kinds of its own
            reason = f"could not be fetched ({type(error).__name__})"
    raise UserError(
        f"{clip_name} has a tokenizer of its own, {source}, and it {reason}; expected its "
        f"{TOKENIZER_JSON} by --tokenizer FILE"
    )


def _read(path: Path, most_tokens: int, context_length: int) -> OwnTokenizer:
    what = f"tokenizer '{path}'"
    try:
        record = json.loads(path.read_bytes())
        kind = str(record["model"]["type"]).lower()
        pad = _padding(path, record, kind)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{what} is no tokenizer file ({type(error).__name__}); expected a {TOKENIZER_JSON} of "
            "Hugging Face's"
        ) from None
    record["truncation"] = None
    record["padding"] = {
        "strategy": {"Fixed": context_length}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": _id_of(record, pad), "pad_type_id": 0, "pad_token": pad,
    }  # fmt: skip
    content = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    found = OwnTokenizer(content, CANONICAL + kind)
    try:
        ids = found.as_tensor(context_length)(["a photo of a cat", "it's 3 o'clock"])
    except BundleError as error:
        raise UserError(f"{what} cannot be used: {error}") from None
    if int(ids.max()) >= most_tokens:
        raise UserError(
            f"{what} gives the token {int(ids.max())}, the text tower has {most_tokens}; expected "
            "the tower's own tokenizer"
        )
    return found


def _padding(path: Path, record: dict[str, Any], kind: str) -> str:
    """The token that fills texts up: as the file says, or the one beside it, or as usual."""
    padding = record.get("padding")
    if isinstance(padding, dict):
        return str(padding["pad_token"])
    beside = path.with_name("tokenizer_config.json")
    if beside.is_file():
        pad = json.loads(beside.read_bytes()).get("pad_token")
        pad = pad.get("content") if isinstance(pad, dict) else pad
        if isinstance(pad, str):
            return pad
    return _PADDING[kind]


def _id_of(record: dict[str, Any], token: str) -> int | None:
    for added in record.get("added_tokens", []):
        if added.get("content") == token:
            return int(added["id"])
    vocabulary = record["model"]["vocab"]
    if isinstance(vocabulary, dict):
        return vocabulary.get(token)
    pieces = [piece[0] for piece in vocabulary]
    return pieces.index(token) if token in pieces else None
