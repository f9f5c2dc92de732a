"""Fixtures that tests of several folders use; tests/conftest.py loads them as a plugin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import Bundle, Manifest, Vocabulary
from tests.support import bundle as hand_made
from tests.support.fake_machine import Machine, put_in_place


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing that a test remembers reaches the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MGCA_CACHE", str(folder))
        yield folder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that no other test has written to."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MGCA_CACHE", str(folder))
    return folder


@pytest.fixture
def manifest() -> Manifest:
    """The manifest of the hand-made bundle."""
    return hand_made.color_manifest()


@pytest.fixture
def vocabulary() -> Vocabulary:
    """The vocabulary of the hand-made bundle."""
    return hand_made.color_vocabulary()


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """Writes the hand-made bundle; other files, fields or none on request."""

    def make(folder: str = "bundle", *arguments: Any, **changes: Any) -> Bundle:
        return hand_made.write_hand_made_bundle(tmp_path / folder, *arguments, **changes)

    return make


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """The hand-made bundle, in a folder of the test's own."""
    return make_bundle()


@pytest.fixture
def graphs() -> Any:
    """The builders of hand-made graphs, for tests that need a wrong one."""

    class Graphs:
        segmenter = staticmethod(hand_made.segmenter_onnx)
        text_encoder = staticmethod(hand_made.text_encoder_onnx)
        tokenizer = staticmethod(hand_made.tokenizer_json)

    return Graphs


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Machine]]:
    """Put a fake TensorRT of a version in place; call it again for another version or fault."""
    made: list[Machine] = []

    def put(version: str = "11.4", **options: Any) -> Machine:
        def set_module(name: str, module: Any) -> None:
            monkeypatch.setitem(sys.modules, name, module)

        made.append(put_in_place(set_module, version, **options))
        return made[-1]

    yield put
    for machine in made:
        machine.cuda._assert_all_freed()


@pytest.fixture(params=["10.3", "11.4"])
def machine(request: pytest.FixtureRequest, install: Callable[..., Machine]) -> Machine:
    """A fake machine of either TensorRT."""
    return install(request.param)
