"""Recipes by name: all are found, told apart and survive a file."""

from __future__ import annotations

import importlib
import json

import pytest

pytest.importorskip("torch")

from runtime.errors import UserError
from training.config.legs import check_legs
from training.config.values import from_dict, to_dict
from training.recipes.registry import describe_recipes, find_config, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_are_whole(name):
    config = find_config(name)
    check_legs(config)
    assert config.name == name
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config
    header = importlib.import_module(f"training.recipes.{name}").__doc__
    for what in ("Command:", "Hardware:", "Time:", "Score:"):
        assert what in header, what


def test_help_says_what_there_is():
    lines = describe_recipes().splitlines()
    assert [line.split()[0] for line in lines] == [
        "cc3m_vit_b_16", "demo", "mgca", "photo", "plain", "smoke",
    ]  # fmt: skip
    assert all(len(line.split()) > 4 for line in lines)


def test_neither_recipe_nor_file():
    with pytest.raises(UserError, match="neither a recipe"):
        find_config("dmeo")
