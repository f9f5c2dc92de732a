"""CLIP's byte-pair merges as a ``tokenizer.json`` that the runtime reads without open_clip.

Only the byte-pair *model* goes into the file. Cleaning (ftfy, html, lower case) and splitting
(open_clip's pattern) stay in ``runtime.text``, because a pure ``tokenizers`` pipeline gives other
ids than open_clip on a few strings in a hundred. What the reader has to do per split piece: map
its UTF-8 bytes through CLIP's byte alphabet, then run the model; the two special tokens are plain
vocabulary entries and are matched as whole pieces.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

START_OF_TEXT = "<start_of_text>"
END_OF_TEXT = "<end_of_text>"
END_OF_WORD = "</w>"
VOCABULARY_SIZE = 49408
_MERGES = slice(1, 49152 - 256 - 2 + 1)


def byte_alphabet() -> list[str]:
    """Return the 256 printable characters CLIP writes bytes with, in its vocabulary's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    others = 256 - len(printable)
    return [chr(code) for code in printable] + [chr(256 + index) for index in range(others)]


def merges_of_open_clip() -> Path:
    """Return the file of merges that open_clip carries."""
    from open_clip.tokenizer import default_bpe

    return Path(default_bpe())


def read_merges(bpe_path: Path) -> list[tuple[str, str]]:
    """Read the merges CLIP uses from ``bpe_simple_vocab_16e6.txt.gz``, best first."""
    lines = gzip.decompress(bpe_path.read_bytes()).decode("utf-8").split("\n")[_MERGES]
    merges = []
    for line in lines:
        first, second = line.split()
        merges.append((first, second))
    return merges


def build_tokenizer_json(bpe_path: Path | None = None) -> bytes:
    """Return ``tokenizer.json`` (UTF-8) for CLIP's 49,408 tokens.

    Args:
        bpe_path: the gzip-compressed merges; by default the file open_clip carries.

    Raises:
        ValueError: the file does not give CLIP's number of tokens.
    """
    bpe_path = bpe_path or merges_of_open_clip()
    merges = read_merges(bpe_path)
    alphabet = byte_alphabet()
    tokens = alphabet + [char + END_OF_WORD for char in alphabet]
    tokens += [first + second for first, second in merges]
    tokens += [START_OF_TEXT, END_OF_TEXT]
    if len(tokens) != VOCABULARY_SIZE or len(set(tokens)) != VOCABULARY_SIZE:
        raise ValueError(f"{bpe_path}: {len(tokens)} tokens instead of {VOCABULARY_SIZE}")
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": END_OF_WORD,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": [f"{first} {second}" for first, second in merges],
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
