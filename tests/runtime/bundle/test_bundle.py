from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import (
    Bundle,
    Manifest,
    load_bundle,
)
from runtime.errors import BundleError

AGAIN = "export it again with python -m export"


def message_of(path: Path, **options: Any) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(path, **options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change_manifest(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle.path / "manifest.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_written_bundle_is_read_back_whole(bundle: Bundle, manifest: Manifest) -> None:
    again = load_bundle(bundle.path)
    assert again == bundle
    assert again.id == bundle.id and again.id.startswith("colors@")
    assert again.manifest.input == manifest.input
    assert again.manifest.trained_words == manifest.trained_words
    assert set(again.manifest.files) == {
        "segmenter.onnx",
        "text_encoder.onnx",
        "tokenizer.json",
        "vocabulary.safetensors",
    }
    assert again.file("segmenter.onnx").read_bytes()[:2] == b"\x08\x09"
    assert Manifest.from_json(again.manifest.to_json()) == again.manifest


def test_an_open_vocabulary_is_null(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(trained_words=None)
    assert json.loads((bundle.path / "manifest.json").read_text())["trained_words"] is None
    assert load_bundle(bundle.path).manifest.trained_words is None


def test_a_bundle_of_before_activations_were_recorded_keeps_its_id(bundle: Bundle) -> None:
    change_manifest(bundle, lambda record: record["clip"].pop("activation", None))
    before = load_bundle(bundle.path)
    assert before.manifest.clip.activation is None
    assert "activation" not in before.manifest.to_json()
    change_manifest(bundle, lambda record: record["clip"].update(activation="quickgelu"))
    after = load_bundle(bundle.path)
    assert after.manifest.clip.activation == "quickgelu" and after.id != before.id


def test_a_bundle_of_before_resizes_were_recorded_keeps_its_id(bundle: Bundle) -> None:
    before = load_bundle(bundle.path)
    assert before.manifest.clip.position_resize is None
    assert "position_resize" not in before.manifest.to_json()
    change_manifest(bundle, lambda record: record["clip"].update(position_resize="antialias"))
    after = load_bundle(bundle.path)
    assert after.manifest.clip.position_resize == "antialias" and after.id != before.id


def test_a_bundle_with_clips_tokenizer_says_nothing_of_it(bundle: Bundle) -> None:
    before = load_bundle(bundle.path)
    assert before.manifest.text.tokenizer is None
    assert '"tokenizer"' not in before.manifest.to_json()
    change_manifest(bundle, lambda record: record["text"].update(tokenizer="wordpiece"))
    after = load_bundle(bundle.path)
    assert after.manifest.text.tokenizer == "wordpiece" and after.id != before.id


def test_unknown_manifest_fields_are_left_alone(bundle: Bundle) -> None:
    change_manifest(bundle, lambda record: record.update(later="field"))
    assert load_bundle(bundle.path).manifest.model_id == "colors"


def test_missing_folder(tmp_path: Path) -> None:
    assert message_of(tmp_path / "gone") == (
        f"bundle {tmp_path}/gone does not exist; expected a folder made by python -m "
        "export, or street or photo; check the path given as the bundle"
    )


def test_a_file_is_not_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    assert message_of(tmp_path / "model.onnx") == (
        f"bundle {tmp_path}/model.onnx is a file; expected a folder made by python -m "
        "export, or street or photo; check the path given as the bundle"
    )


def test_folder_without_manifest(tmp_path: Path) -> None:
    assert message_of(tmp_path) == (
        f"{tmp_path} is not a bundle: it has no manifest.json; give a folder made by "
        "python -m export"
    )


def test_manifest_that_is_not_json(bundle: Bundle) -> None:
    (bundle.path / "manifest.json").write_text("{")
    assert message_of(bundle.path).startswith("manifest.json is not valid JSON (")
    (bundle.path / "manifest.json").write_bytes(b"\xff\xfe{}")
    assert message_of(bundle.path).startswith("manifest.json is not valid JSON (")
    (bundle.path / "manifest.json").write_text("[" * 100_000)
    assert message_of(bundle.path).startswith("manifest.json is not valid JSON (")


@pytest.mark.parametrize("foreign", ['{"format": "other"}', "[]", "3", '{"name": "app"}'])
def test_manifest_of_something_else(bundle: Bundle, foreign: str) -> None:
    (bundle.path / "manifest.json").write_text(foreign)
    assert message_of(bundle.path) == (
        'manifest.json does not describe an MGCA bundle (expected "format": "mgca-bundle"); '
        "give a folder made by python -m export"
    )


@pytest.mark.parametrize("version", [2, 0, "1", True, None])
def test_unknown_format_version(bundle: Bundle, version: object) -> None:
    change_manifest(bundle, lambda record: record.update(format_version=version))
    assert message_of(bundle.path) == (
        f"bundle format version {version!r} is unknown, expected 1; "
        "update mgca or export the bundle again"
    )


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (("model_id",), "", "model_id should be a text, found \"\""),
        (("embedding_width",), 0, "embedding_width should be a whole number of at least 1, found 0"),  # noqa: E501
        (("embedding_width",), True, "embedding_width should be a whole number of at least 1, found true"),  # noqa: E501
        (("input", "size_wh"), [8], "input.size_wh should be [width, height], found [8]"),
        (("input", "size_wh"), [8, -6], "input.size_wh should be [width, height], found [8, -6]"),
        (("input", "mean"), [0, 0], "input.mean should be three numbers, found [0, 0]"),
        (("logit_scale",), float("nan"), "logit_scale should be a positive number, found NaN"),
        (("presence",), 11, "presence should be a number from 0 to 10, found 11"),
        (("presence",), None, "presence should be a number from 0 to 10, found null"),
        (("templates", "prompts"), ["a car"], 'templates.prompts should be texts with one {} each, found ["a car"]'),  # noqa: E501
        (("templates", "prompts"), [], "templates.prompts should be a list of texts, found []"),
        (("text", "centered"), 1, "text.centered should be true or false, found 1"),
        (("text",), None, "text should be an object, found null"),
        (("trained_words",), "car", 'trained_words should be a list of texts, found "car"'),
        (("background_words",), [3], "background_words should be a list of texts, found [3]"),
        (("files",), [], "files should be an object, found []"),
        (("clip", "activation"), 3, "clip.activation should be a text, found 3"),
        (("text", "tokenizer"), 3, "text.tokenizer should be a text, found 3"),
        (("products",), {"segmenter.onnx": 3}, "products.segmenter.onnx should be an object"),
        (("products",), {"a.onnx": {"half": -1}}, "products.a.onnx.half should be a whole number of at least 0, found -1"),  # noqa: E501
    ],
)  # fmt: skip
def test_manifest_fields_are_checked(
    bundle: Bundle, keys: tuple[str, ...], value: object, expected: str
) -> None:
    def change(record: dict[str, Any]) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    change_manifest(bundle, change)
    assert message_of(bundle.path) == f"manifest.json: {expected}; {AGAIN}"


def test_a_missing_field_is_named(bundle: Bundle) -> None:
    change_manifest(bundle, lambda record: record.pop("precision"))
    expected = f"manifest.json: precision should be a text, found nothing; {AGAIN}"
    assert message_of(bundle.path) == expected


def test_missing_file(bundle: Bundle) -> None:
    (bundle.path / "segmenter.onnx").unlink()
    assert message_of(bundle.path) == (
        f"bundle {bundle.path}: segmenter.onnx is missing, manifest.json lists it; "
        f"copy it again, or {AGAIN}"
    )


def test_changed_size(bundle: Bundle) -> None:
    path = bundle.path / "tokenizer.json"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b" ")
    for verify in (True, False):
        assert message_of(bundle.path, verify=verify) == (
            f"bundle {bundle.path}: tokenizer.json has changed ({size + 1} bytes, expected "
            f"{size}); copy it again, or {AGAIN}"
        )


def test_changed_content_of_the_same_size(bundle: Bundle) -> None:
    path = bundle.path / "segmenter.onnx"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert message_of(bundle.path).startswith(
        f"bundle {bundle.path}: segmenter.onnx has changed (sha256 "
    )
    load_bundle(bundle.path, verify=False)


@pytest.mark.parametrize("name", ["evil.py", "weights/extra.bin"])
def test_foreign_file(bundle: Bundle, name: str) -> None:
    path = bundle.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    assert message_of(bundle.path) == (
        f"bundle {bundle.path} holds {name}, which manifest.json does not list; "
        f"move it elsewhere, or {AGAIN}"
    )


def test_desktop_droppings_are_no_foreign_files(bundle: Bundle) -> None:
    (bundle.path / ".DS_Store").write_bytes(b"x")
    load_bundle(bundle.path)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/hostname",
        "a/../../secret",
        "a\\..\\secret",
        "C:secret",
        "./x",
        "a//b",
        "",
    ],
)
def test_listed_paths_stay_inside(bundle: Bundle, name: str) -> None:
    record = {"bytes": 1, "sha256": "0" * 64}
    change_manifest(bundle, lambda manifest: manifest["files"].update({name: record}))
    assert message_of(bundle.path) == (
        f"bundle {bundle.path}: manifest.json lists {name!r}, expected the name of a file inside "
        f"the bundle; {AGAIN}"
    )


def test_a_link_out_of_the_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    os.replace(bundle.path / "segmenter.onnx", outside)
    (bundle.path / "segmenter.onnx").symlink_to(outside)
    assert message_of(bundle.path) == (
        f"bundle {bundle.path}: segmenter.onnx leads outside the bundle; expected a file inside "
        f"it; {AGAIN}"
    )


def test_a_linked_folder_or_manifest_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bundle.path / "more").symlink_to(tmp_path / "elsewhere")
    assert f"bundle {bundle.path} holds more," in message_of(bundle.path)
    (bundle.path / "more").unlink()
    os.replace(bundle.path / "manifest.json", tmp_path / "manifest.json")
    (bundle.path / "manifest.json").symlink_to(tmp_path / "manifest.json")
    assert "manifest.json leads outside the bundle" in message_of(bundle.path)


def test_a_link_to_the_whole_bundle_is_fine(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(bundle.path)
    assert load_bundle(tmp_path / "current") == bundle


def test_required_files(make_bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"lists no vocabulary\.safetensors in manifest\.json"):
        make_bundle(files={"vocabulary.safetensors": None})
    with pytest.raises(BundleError, match=r"has text_encoder\.onnx but no tokenizer\.json"):
        make_bundle(files={"tokenizer.json": None})
    assert not (tmp_path / "bundle").exists()
    assert not list(tmp_path.glob(".bundle*"))


def test_asking_for_a_file_that_is_not_listed(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(files={"text_encoder.onnx": None, "tokenizer.json": None})
    with pytest.raises(BundleError, match=r"has no text_encoder\.onnx; export it again"):
        bundle.file("text_encoder.onnx")


@pytest.mark.parametrize("figure", ["NaN", "-Infinity", '"\\ud800"'])
def test_a_manifest_with_what_json_or_utf8_cannot_say(bundle: Bundle, figure: str) -> None:
    path = bundle.path / "manifest.json"
    text = path.read_text().replace('"parity": {}', f'"parity": {{"cosine": {figure}}}')
    path.write_text(text)
    assert figure in text
    assert load_bundle(bundle.path).id.startswith("colors@")
