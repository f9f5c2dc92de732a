"""The true ViT-B/16 architecture from a local weights file (random weights: none is downloaded)."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
open_clip = pytest.importorskip("open_clip")

from export import job  # noqa: E402
from export.cli import main  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from tests.support.streams import wait_for_end  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenAI's key names and activation, matrices in half precision; random values."""
    torch.manual_seed(0)
    state = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None).state_dict()
    state = {name: value.half() if value.ndim > 1 else value for name, value in state.items()}
    path = tmp_path_factory.mktemp("weights") / "vit-b-16.pt"
    torch.save(state, path)
    return path


def _bytes_below(folder: Path) -> int:
    size = 0
    # os.walk passes over folders that are gone by the time it comes to them; rglob does not.
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # renamed or removed since it was listed
                size += os.lstat(os.path.join(parent, name)).st_size
    return size


@contextmanager
def _largest_size(folder: Path) -> Iterator[list[int]]:
    """Watch what lies below a folder; the list holds every size seen."""
    sizes, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            sizes.append(_bytes_below(folder))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield sizes
    finally:
        done.set()
        wait_for_end(watcher)


@pytest.mark.long
def test_vit_b_16_at_16_by_9(
    weights: Path, pictures: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "vit"
    asked, check_output = [0], job.check_output

    def note(folder: Path, *, bytes_needed: int) -> None:
        asked.append(bytes_needed)
        check_output(folder, bytes_needed=bytes_needed)

    monkeypatch.setattr(job, "check_output", note)
    flags = [
        "--training-free", "--clip", "ViT-B-16", "--pretrained", str(weights), "--out", str(out),
        "--activation", "quickgelu",
        "--size", "256x144", "--precision", "fp32,int8", "--gate", "cosine", "--frames", "1",
        "--calibration", str(pictures), "--vocabulary", str(words), "--token-table", "fp16",
    ]  # fmt: skip
    with _largest_size(tmp_path) as sizes:
        assert main(flags) == 0
    # What is asked of the disk is what it takes: not less, and not twice as much.
    assert max(asked) / 2 < max(sizes) <= max(asked)
    manifest = load_bundle(out).manifest
    assert manifest.clip.pretrained == "file:vit-b-16.pt"
    assert manifest.clip.activation == "quickgelu"
    assert manifest.clip.dense == "sc-clip"
    assert manifest.clip.position_resize == "size"
    assert manifest.trained_words is None
    assert manifest.text.context_length == 77
    assert manifest.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)
    assert min(stage["least"] for stage in manifest.parity["stages"].values()) > 0.9999
    graph = onnx.load(str(out / "segmenter.onnx")).graph
    kinds = Counter(node.op_type for node in graph.node)
    # QuickGELU, not GELU, in all blocks but the last, whose MLP sc-clip leaves out.
    assert kinds["Sigmoid"] == 11
    assert kinds["Gelu"] == kinds["Erf"] == 0
    assert kinds["Softmax"] == 13 + manifest.units["rounds"]
    small = out.with_name("vit-int8")
    assert load_bundle(small).manifest.parity["stages"]["encoder"]["mean"] > 0.99
    for name, share in (("segmenter.onnx", 0.35), ("text_encoder.onnx", 0.5)):
        assert (small / name).stat().st_size < share * (out / name).stat().st_size
