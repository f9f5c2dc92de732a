"""What every test shares: no network, and the data that only some machines have."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.support.fixtures",
    "tests.support.commands",
    "tests.support.lost_workers",
]

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
def fresh_logging() -> None:
    """A command run in this process, by a wider fixture too, sets up loggers: begin afresh."""
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)  # some libraries raise it
    for name in [*logging.root.manager.loggerDict]:
        if name.split(".")[0] in ("mgca", "runtime"):
            logger = logging.getLogger(name)
            logger.disabled = False
            logger.propagate = True
            logger.setLevel(logging.NOTSET)
            logger.handlers.clear()


@pytest.fixture(autouse=True)
def no_secrets_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that another test gave in this process must not mask words of this one."""
    monkeypatch.setattr("runtime.redaction._known", {})


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    """The CamVid validation clip's folder; use with the ``camvid`` marker."""
    return _find_camvid()
