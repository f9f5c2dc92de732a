"""Here ``bundle`` is the hand-made one again, not that of an export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fixtures import bundle

__all__ = ["bundle"]


@pytest.fixture(autouse=True)
def nothing_remembered(own_cache: Path) -> None:
    """Which engines are built is each test's own matter."""
