"""All data sets by name: each module of this package that has ``DATASETS`` brings its own.

A new data set is one file here, with its loading, its words, its ignore label and the constants of
its protocol, and ``DATASETS``, a tuple of :class:`Dataset`. Nothing else needs an edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import benchmarks.datasets
from benchmarks.datasets.evaluation_set import Dataset

DEFAULT = "streetworld"


@lru_cache(maxsize=1)
def all_datasets() -> dict[str, Dataset]:
    """Every data set by its name, the default first.

    Raises:
        ValueError: two modules claim one name.
    """
    found: dict[str, Dataset] = {}
    for module in pkgutil.iter_modules(benchmarks.datasets.__path__):
        loaded = importlib.import_module(f"benchmarks.datasets.{module.name}")
        for dataset in getattr(loaded, "DATASETS", ()):
            if dataset.name in found:
                raise ValueError(f"two data sets are called {dataset.name}")
            found[dataset.name] = dataset
    return {name: found[name] for name in sorted(found, key=lambda name: (name != DEFAULT, name))}
