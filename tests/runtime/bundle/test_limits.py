"""What manifests and vocabularies may ask for at most."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import Bundle, Manifest
from runtime.bundle.bounded_json import read_json
from runtime.bundle.limits import JSON_DEPTH
from runtime.bundle.tensor_file import check_tensor_file
from runtime.errors import BundleError


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_json_is_not_nested_deeply() -> None:
    assert read_json(json.dumps(nested(JSON_DEPTH))) == nested(JSON_DEPTH)
    with pytest.raises(ValueError, match="nested more than"):
        read_json(json.dumps(nested(JSON_DEPTH + 1)))
    brackets = {"[" * 99: '\\"' + "{" * 99}
    assert read_json(json.dumps(brackets)) == brackets  # in a text they nest nothing


def test_whole_numbers_are_of_a_length_that_readers_have() -> None:
    assert read_json(b"18446744073709551615") == 2**64 - 1
    with pytest.raises(ValueError, match="a whole number of 31 digits"):
        read_json("1" + "0" * 30)


@pytest.mark.parametrize(
    ("group", "field", "value", "expected"),
    [
        (None, "embedding_width", 1 << 15, "a whole number of at most 16384"),
        (None, "model_id", "a\x1b[2Jb", "a text"),
        (None, "trained_words", ["a", "b\nc"], "a list of texts"),
        ("output", "units", 1 << 17, "a whole number of at most 65536"),
        ("text", "context_length", 1, "a whole number of at least 3"),
        ("text", "context_length", 1 << 14, "a whole number of at most 8192"),
        ("input", "size_wh", [1 << 14, 1 << 14], r"\[width, height\] of at most 67108864 pixels"),
        ("templates", "prompts", ["{}"] * 1001, "at most 1000 texts"),
    ],
)
def test_a_manifest_that_asks_for_too_much(
    bundle: Bundle, group: str | None, field: str, value: object, expected: str
) -> None:
    record = json.loads(bundle.manifest.to_json())
    (record if group is None else record[group])[field] = value
    with pytest.raises(BundleError, match=f"{field} should be {expected}, found "):
        Manifest.from_json(json.dumps(record))


@pytest.mark.parametrize("number", ["1" + "0" * 400, "[" * 99 + "]" * 99])
def test_a_number_that_is_none_is_told_in_one_line(bundle: Bundle, number: str) -> None:
    text = bundle.manifest.to_json().replace('"logit_scale": 10.0', f'"logit_scale": {number}')
    with pytest.raises(BundleError, match=r"manifest\.json is not valid JSON"):
        Manifest.from_json(text)


@pytest.mark.parametrize("name", ["n" * 256, "a\ud800b"])
def test_names_that_no_file_can_have(make_bundle: Callable[..., Bundle], name: str) -> None:
    with pytest.raises(BundleError, match="cannot be a file of a bundle; expected a plain name"):
        make_bundle(files={name: b""})


def tensor_file(path: Path, header: object, data: bytes = bytes(8), length: int = 0) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes((length or len(text)).to_bytes(8, "little") + text + data)
    return path


def entry(dtype: str = "F32", shape: object = (2,), place: object = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": place}


@pytest.mark.parametrize(
    "wrong",
    [
        entry(dtype="F8_E4M3"),
        entry(shape=[3]),
        entry(shape=[-2]),
        entry(shape=[1] * 9),
        entry(place=[8, 16]),
        entry(place=[0]),
        entry(shape="2"),
        {},
        [],
    ],
)
def test_a_tensor_lies_where_its_header_says(wrong: object, tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    assert check_tensor_file(tensor_file(path, {"__metadata__": {}, "a": entry()})) == {"a"}
    with pytest.raises(ValueError, match="tensor 'a' is not where its header says"):
        check_tensor_file(tensor_file(path, {"a": wrong}))


@pytest.mark.parametrize(
    ("header", "length", "reason"),
    [
        ({}, 1 << 40, "its header says that it is 1099511627776 bytes long"),
        ([], 0, "its header is no object"),
        ({"__metadata__": {"names": 3}}, 0, "its metadata are no texts"),
    ],
)
def test_headers_that_are_none(header: object, length: int, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        check_tensor_file(tensor_file(tmp_path / "t.safetensors", header, length=length))
