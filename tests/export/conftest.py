"""A tiny model with random weights, some pictures, and one real export shared by the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.export.first_answer import first_answer
from tests.support.image_folder import write_images
from tests.support.random_checkpoint import save_random_checkpoint

SIZE = "96x64"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures with shapes and noise, 160 x 120."""
    folder = tmp_path_factory.mktemp("pictures")
    write_images(folder)
    return folder


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary file of six names."""
    path = tmp_path_factory.mktemp("words") / "words.txt"
    path.write_text(
        "# what we look for\nsky\nroad\ncar=car|van\ntree\npurple bus  # a composition\n"
    )
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the tiny architecture with random weights, the decoder's gates open."""
    pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("run") / "last.pt"
    save_random_checkpoint(path, decoder_depth=2)
    return path


@pytest.fixture(scope="session")
def arguments(checkpoint: Path, pictures: Path, words: Path) -> list[str]:
    """The flags of a quick export, all but ``--out``."""
    return [
        "--checkpoint", str(checkpoint), "--calibration", str(pictures), "--vocabulary", str(words),
        "--size", SIZE, "--frames", "2",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def traced_once() -> Callable[..., Any]:
    """``trace_segmenter``, which traces once and gives that graph ever after.

    Tracing is most of what an export of a tiny model takes, and gives the same graph each time.
    """
    from export.graph.segmenter import trace_segmenter

    return first_answer(trace_segmenter)


@pytest.fixture(scope="session")
def bundle(
    arguments: list[str],
    traced_once: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The bundles of one real export: the fp32 one's folder, ``-fp16`` and ``-int8`` beside it."""
    from export import job
    from export.cli import main

    out = tmp_path_factory.mktemp("bundles") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "trace_segmenter", traced_once)
        assert main([*arguments, "--out", str(out), "--precision", "fp32,fp16,int8"]) == 0
    return out


@pytest.fixture
def same_graph(
    bundle: Path, traced_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exports of the shared checkpoint take the graph that was traced for the shared bundle."""
    from export import job

    monkeypatch.setattr(job, "trace_segmenter", traced_once)
