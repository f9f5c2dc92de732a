"""Recipes by name: every other module of this package is one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import training.recipes
from runtime.errors import UserError
from training.config.run import TrainConfig
from training.config.values import read_config_file


@cache
def recipe_names() -> tuple[str, ...]:
    """Names of all recipes, sorted."""
    modules = pkgutil.iter_modules(training.recipes.__path__)
    return tuple(sorted({module.name for module in modules} - {"registry"}))


def describe_recipes() -> str:
    """A line for each recipe: its name and the first line of its docstring."""
    lines = []
    for name in recipe_names():
        text = importlib.import_module(f"training.recipes.{name}").__doc__ or ""
        lines.append(f"  {name:<14} {text.strip().splitlines()[0]}")
    return "\n".join(lines) + "\n"


def find_config(name_or_file: str) -> TrainConfig:
    """A recipe's configuration by its name, else a JSON file's.

    Raises:
        UserError: neither.
    """
    if name_or_file in recipe_names():
        return importlib.import_module(f"training.recipes.{name_or_file}").config()
    if Path(name_or_file).suffix != ".json" and not Path(name_or_file).exists():
        raise UserError(
            f"config '{name_or_file}' is neither a recipe ({', '.join(recipe_names())}) nor a JSON "
            "file; expected one of those names or a path"
        )
    return read_config_file(Path(name_or_file))
