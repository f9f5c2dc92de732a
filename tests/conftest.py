"""What every test shares: no network, and the data that only some machines have."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# A test that would download something must fail at once instead.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def _find_camvid() -> Path:
    return Path(os.environ.get("CAMVID_ROOT") or REPOSITORY.parent / "shared/data/camvid_val")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = _find_camvid()
    if (root / "frames").is_dir():
        return
    absent = pytest.mark.skip(reason=f"no CamVid clip at {root} (set $CAMVID_ROOT)")
    for item in items:
        if item.get_closest_marker("camvid"):
            item.add_marker(absent)


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    """A command run in this process sets up loggers; the next test gets them fresh."""
    loggers = [logging.getLogger(name) for name in ("mgca", "runtime")]
    before = [(logger.propagate, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (propagate, level, handlers) in zip(loggers, before, strict=True):
        logger.propagate, logger.level = propagate, level
        logger.handlers[:] = handlers


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    """The CamVid validation clip's folder; use with the ``camvid`` marker."""
    return _find_camvid()
