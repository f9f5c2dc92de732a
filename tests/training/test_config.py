"""Configurations: overrides, files, errors."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from runtime.errors import UserError
from training.config.run import TrainConfig
from training.config.values import apply_override, from_dict, read_config_file, to_dict
from training.losses.config import LossConfig
from training.recipes.registry import find_config, recipe_names


@pytest.mark.parametrize(
    ("texts", "noun_weight", "expected"),
    [
        ("captions", 0.0, False),
        ("captions", 1.0, True),
        # The grains align nouns even where the noun-level losses are off.
        ("nouns", 0.0, True),
    ],
)
def test_who_needs_nouns(texts, noun_weight, expected):
    assert LossConfig(texts=texts, noun_weight=noun_weight).needs_nouns is expected


@pytest.mark.parametrize("name", recipe_names())
def test_presets_survive_json(name):
    config = find_config(name)
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("seed=7", lambda c: c.seed, 7),
        ("losses.pixel_weight=0", lambda c: c.losses.pixel_weight, 0.0),
        ("losses.clip_margin=null", lambda c: c.losses.clip_margin, None),
        ("data.size_wh=[160, 120]", lambda c: c.data.size_wh, (160, 120)),
        ("model.clip_name=ViT-B-16", lambda c: c.model.clip_name, "ViT-B-16"),
        ("model.pretrained=openai", lambda c: c.model.pretrained, "openai"),
    ],
)
def test_overrides(assignment, read, expected):
    assert read(apply_override(TrainConfig(), assignment)) == expected


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("seed", "expected key=value"),
        ("losses.pixel_wight=0", "the nearest is 'pixel_weight'"),
        ("seed=yes", "expected int"),
        ("seed=true", "expected int"),
        ("data.size_wh=[1]", "expected 2 numbers"),
        ("mgca.batch=1", "expected >= 0, >= 2, >= 1"),
        ("precision=fp8", "expected bf16 or fp32"),
        ("mgca=3", "expected an object"),
        ("name=a/b", "expected a folder name"),
    ],
)
def test_bad_overrides(assignment, words):
    with pytest.raises(UserError, match=words):
        apply_override(TrainConfig(), assignment)


@pytest.mark.parametrize(
    ("text", "words"), [("{", "is not JSON"), ("[]", "holds a list"), ('{"sead": 1}', "'seed'")]
)
def test_bad_files(tmp_path, text, words):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_config_file(path)


def test_neither_preset_nor_file():
    with pytest.raises(UserError, match="neither a preset"):
        find_config("dmeo")
