from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nothing_remembered(own_cache: Path) -> None:
    """Which backend is fastest, and which engines are built, is each test's own matter."""
