"""Manifest, vocabulary and tokenizer, each changed as its format allows and as it does not."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from benchmarks.hostile_bundles.json_mutations import STRANGE, change_json, nested, to_bytes

_DTYPES = ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4", "C64", "f32", "", "X" * 99)
_SIDES = (0, 1, 3, 2**31, 2**32, 2**63, 2**64, -1)
_COMPONENTS: tuple[dict[str, Any], ...] = (
    {"type": "Sequence", "normalizers": []},
    {"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}]},
    {"type": "Split", "pattern": {"Regex": "[a-z]"}, "behavior": "Isolated", "invert": False},
    {"type": "Replace", "pattern": {"String": "e"}, "content": "ee"},
    {"type": "Prepend", "prepend": "_"},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True},
    {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
    {"type": "NFKC"},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 70000]},
    {"type": "Unknown"},
)

__all__ = ["change_bytes", "change_manifest", "change_tokenizer", "change_vocabulary"]


def change_bytes(random: Random, data: bytes, reach: int | None = None) -> bytes:
    """A few bytes flipped, put in or taken out, or the end cut off.

    Args:
        random: draws.
        data: the content.
        reach: change only the first so many bytes, where the structure is.
    """
    if not data:
        return b"\0"
    end = len(data) if reach is None else min(reach, len(data))
    way = random.randrange(6)
    if way == 0:
        return data[: random.randrange(end)]
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        place = random.randrange(min(end, len(changed)) or 1)
        if way <= 2:
            changed[place] ^= 1 << random.randrange(8)
        elif way == 3:
            changed[place : place + 1] = bytes([random.choice((0, 127, 128, 255))])
        elif way == 4:
            changed[place:place] = bytes(
                random.randrange(256) for _ in range(random.choice((1, 9)))
            )
        else:
            del changed[place : place + random.choice((1, 2, 16))]
    return bytes(changed)


def change_manifest(random: Random, data: bytes) -> bytes:
    """The manifest, one to three fields changed; rarely its bytes."""
    if random.random() < 0.1:
        return change_bytes(random, data)
    record = json.loads(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not isinstance(record, dict) or random.random() < 0.1:
            return to_bytes(change_json(random, record))
        name = random.choice(list(record))
        if isinstance(record[name], dict | list) and record[name] and random.random() < 0.8:
            record[name] = change_json(random, record[name])
        else:
            record[name] = random.choice((*STRANGE, nested(600, random.random() < 0.5)))
    return to_bytes(record)


def change_vocabulary(random: Random, data: bytes) -> bytes:
    """The safetensors file: its header's length, its fields, its tensors' types and places."""
    if random.random() < 0.15:
        return change_bytes(random, data, reach=None if random.random() < 0.5 else 64)
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    way = random.randrange(6)
    tensor = header[random.choice(("embeddings", "text_center"))]
    if way == 0:
        tensor["dtype"] = random.choice(_DTYPES)
    elif way == 1:
        tensor["shape"] = [random.choice(_SIDES) for _ in range(random.randrange(5))]
    elif way == 2:
        tensor["data_offsets"] = [random.choice((*_SIDES, len(rest))) for _ in range(2)]
    elif way == 3:
        names = change_json(random, json.loads(header["__metadata__"]["names"]))
        header["__metadata__"]["names"] = json.dumps(names)
    elif way == 4:
        header = change_json(random, header)
    else:
        header["more"] = {"dtype": random.choice(_DTYPES), "shape": [0], "data_offsets": [0, 0]}
    text = to_bytes(header)
    said = len(text) if random.random() < 0.85 else random.choice((0, 1, 2**20, 2**40, 2**64 - 1))
    return said.to_bytes(8, "little") + text + rest


def change_tokenizer(random: Random, data: bytes) -> bytes:
    """The tokenizer's file: components, the model, its entries and merges, added tokens."""
    if random.random() < 0.1:
        return change_bytes(random, data)
    record = json.loads(data)
    model = record["model"]
    way = random.randrange(8)
    if way == 0:
        part = random.choice(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
        record[part] = random.choice(_COMPONENTS)
    elif way == 1:
        record["model"] = change_json(random, {k: v for k, v in model.items() if k != "vocab"})
        record["model"].setdefault("vocab", model["vocab"])
    elif way == 2:
        token = random.choice(list(model["vocab"]))
        model["vocab"][token] = random.choice((-1, 0, 2**31, 2**32 - 1, 2**32, 0.5, None, "1", 5))
    elif way == 3 and "merges" in model:
        model["merges"].insert(0, random.choice(("a", "a b c", "", ["a", "b"], ["a"], 3, "a zz")))
    elif way == 4:
        entry = {"id": random.choice((0, 3, 2**32 - 1, -1)), "content": random.choice(("", "red"))}
        flags = ("special", "single_word", "lstrip", "rstrip", "normalized")
        record["added_tokens"].append({**entry, **dict.fromkeys(flags, random.random() < 0.5)})
    elif way == 5:
        model["type"] = random.choice(("BPE", "WordPiece", "Unigram", "WordLevel", "Loop", None))
    elif way == 6:
        record[random.choice(("truncation", "padding", "post_processor"))] = random.choice(STRANGE)
    else:
        record = change_json(random, record)
    return to_bytes(record)
