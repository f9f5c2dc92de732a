"""Configurations: overrides, files, errors."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from runtime.errors import UserError
from training.config.run import TrainConfig
from training.config.values import apply_override, apply_overrides, read_config_file
from training.losses.config import LossConfig


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


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("seed=7", lambda c: c.seed, 7),
        ("losses.pixel_weight=0", lambda c: c.losses.pixel_weight, 0.0),
        ("losses.clip_margin=null", lambda c: c.losses.clip_margin, None),
        ("data.size_wh=[160, 120]", lambda c: c.data.size_wh, (160, 120)),
        ("model.clip_name=ViT-B-16", lambda c: c.model.clip_name, "ViT-B-16"),
        ("model.pretrained=openai", lambda c: c.model.pretrained, "openai"),
        ('units={"seeds": 9}', lambda c: (c.units.seeds, c.units.rounds), (9, 3)),
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
        ("seed.x=1", "'seed' has no fields"),
        ("losses.x.y=1", "'losses.x' is unknown"),
        ("legs=3", "expected a list"),
        ("legs=[]", "expected at least one leg"),
        ('legs=[{"name": "a", "phase": "mgca"}, {"name": "b", "phase": "pretrain"}]', "before"),
        ('legs=[{"name": "a", "phase": "dance"}]', "expected pretrain, mgca"),
    ],
)
def test_bad_overrides(assignment, words):
    with pytest.raises(UserError, match=words):
        apply_override(TrainConfig(), assignment)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds a list"),
        ('{"sead": 1}', "'seed'"),
        ('{"losses": {"seeds": 9}}', "'losses.seeds' is 9, but always 6 now: SEEDS in"),
    ],
)
def test_bad_files(tmp_path, text, words):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_config_file(path)


def test_settings_that_want_each_other_may_come_in_any_order():
    wanted = ["pretrain.teacher=ema", "pretrain.ema_steps=3"]
    for assignments in (wanted, wanted[::-1]):
        assert apply_overrides(TrainConfig(), assignments).pretrain.teacher == "ema"
