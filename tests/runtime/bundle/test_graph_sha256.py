"""What engines are keyed by: everything that a graph reads, also weights beside its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.backends.cuda import Gpu
from runtime.backends.onnxruntime import tensorrt_provider as onnxruntime_tensorrt
from runtime.backends.tensorrt.settings import engine_key
from runtime.bundle import Bundle
from runtime.errors import BundleError

GPU = Gpu("Orin", "8.7", 1 << 30)


@pytest.fixture
def two_bundles(make_bundle: Callable[..., Bundle], graphs: Any) -> list[Bundle]:
    """The same graph twice, with other weights in a file beside it."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(graphs.segmenter())
    rows = next(item for item in model.graph.initializer if item.name == "unit_rows")
    weights = rows.raw_data
    rows.ClearField("raw_data")
    rows.data_location = onnx.TensorProto.EXTERNAL
    rows.external_data.add(key="location", value="weights.bin")
    graph = model.SerializeToString()
    return [
        make_bundle(name, files={"segmenter.onnx": graph, "weights.bin": content})
        for name, content in (("one", weights), ("other", weights[::-1]))
    ]


def test_other_weights_beside_the_graph_are_another_engine(two_bundles: list[Bundle]) -> None:
    one, other = two_bundles
    name = "segmenter.onnx"
    assert one.manifest.files[name].sha256 == other.manifest.files[name].sha256
    assert one.graph_sha256(name) != other.graph_sha256(name)
    keys = [engine_key(bundle, GPU, "11.4") for bundle in two_bundles]
    assert keys[0].digest != keys[1].digest and len(keys[0].onnx_sha256) == 64


def test_a_graph_that_holds_its_weights_keeps_its_own_hash(bundle: Bundle) -> None:
    # Engines of such bundles, built before weights beside the graph counted, stay theirs.
    own = bundle.manifest.files["segmenter.onnx"].sha256
    assert bundle.graph_sha256("segmenter.onnx") == own
    with pytest.raises(BundleError, match=r"has no other\.onnx"):
        bundle.graph_sha256("other.onnx")


def test_the_provider_has_a_folder_for_each_and_they_are_bounded(
    two_bundles: list[Bundle], own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        def getInferLibVersion(self) -> int:
            return 101300

    folders: list[Path] = []

    def open_session(*_: Any, provider_options: dict[str, str]) -> str:
        folders.append(Path(provider_options["trt_engine_cache_path"]))
        (folders[-1] / "graph.engine").write_bytes(b"x" * 100)
        return "backend"

    monkeypatch.setattr(onnxruntime_tensorrt, "cuda_devices", lambda: ("Fake GPU",))
    monkeypatch.setattr(onnxruntime_tensorrt.ctypes, "CDLL", lambda name: Library())
    monkeypatch.setattr(onnxruntime_tensorrt, "OnnxRuntimeBackend", open_session)
    monkeypatch.setattr("runtime.backends.tensorrt.cache.holdings.YOUNGEST_S", {"provider": 0.0})
    monkeypatch.setenv("MGCA_CACHE_LIMIT", "150")
    for bundle in two_bundles:
        onnxruntime_tensorrt.open_tensorrt_provider(bundle, None)
    assert len(set(folders)) == 2
    # The second one's engine took the room of the first one's.
    assert [folder.exists() for folder in folders] == [False, True]
    assert folders[0].parent == own_cache / "onnxruntime_tensorrt"
