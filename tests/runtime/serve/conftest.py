"""Fixtures of the page's tests: streams that run behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import Model


@pytest.fixture(scope="session")
def page_model(color_bundle: Path) -> Iterator[Model]:
    """The model that knows colors."""
    for library in ("starlette", "uvicorn", "websockets", "prometheus_client"):
        pytest.importorskip(library)
    with Model.load(color_bundle, "onnxruntime-cpu", threads=1) as model:
        yield model
