"""What OpenVINO compiled, kept in the cache: taken when it is whole, made again when it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtime.backends import compiled_models, open_backend
from runtime.backends.parity import trial_feeds
from runtime.backends.tensorrt.cache.store import EngineCache
from runtime.bundle import Bundle
from runtime.cli.cache import run_cache
from runtime.errors import UserError

pytest.importorskip("openvino")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were written, so that a test sees what was compiled anew."""
    written: list[str] = []
    keep = compiled_models.write_compiled

    def note(key: str, blob: bytes, record: dict[str, object]) -> None:
        written.append(key)
        keep(key, blob, record)

    monkeypatch.setattr("runtime.backends.openvino.write_compiled", note)
    return written


def scores(bundle: Bundle) -> np.ndarray:
    with open_backend(bundle, "openvino", threads=1) as backend:
        assert backend.inputs["frame"].shape == (1, 6, 8, 3) and "unit_scores" in backend.outputs
        return backend.run(trial_feeds(bundle))["class_scores"]


def test_a_second_start_takes_what_the_first_compiled(
    bundle: Bundle, compiled: list[str], own_cache: Path
) -> None:
    first, second = scores(bundle), scores(bundle)
    assert len(compiled) == 1
    np.testing.assert_array_equal(first, second)
    assert sorted(path.suffix for path in own_cache.rglob("*.*")) == [".blob", ".json"]


def test_another_graph_is_compiled_for_itself(
    bundle: Bundle, make_bundle: Callable[..., Bundle], compiled: list[str]
) -> None:
    scores(bundle)
    scores(make_bundle("other"))  # the same bytes in another file: looked at, not believed
    assert len(set(compiled)) == 2


@pytest.mark.parametrize("damage", ["weights", "cut", "empty", "record", "form", "shape"])
def test_what_is_damaged_is_made_again(
    bundle: Bundle, compiled: list[str], own_cache: Path, damage: str
) -> None:
    expected = scores(bundle)
    blob, sidecar = next(own_cache.rglob("*.blob")), next(own_cache.rglob("*.json"))
    content = blob.read_bytes()
    if damage == "weights":
        middle = len(content) // 2
        blob.write_bytes(content[:middle] + bytes(64) + content[middle + 64 :])
    elif damage in ("cut", "empty"):
        blob.write_bytes(content[: 100 if damage == "cut" else 0])
    elif damage == "record":
        sidecar.write_text("{")
    else:
        record = json.loads(sidecar.read_text())
        if damage == "form":
            record["inputs"] = 5
        else:
            record["inputs"]["frame"][1][1] = 7
        sidecar.write_text(json.dumps(record))
    np.testing.assert_array_equal(scores(bundle), expected)
    assert len(compiled) == 2
    np.testing.assert_array_equal(scores(bundle), expected)
    assert len(compiled) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scores(bundle)
    for variable, value in (
        ("MGCA_CACHE", str(bundle.file("segmenter.onnx") / "impossible")),
        ("MGCA_CACHE_LIMIT", "no size"),
    ):
        monkeypatch.setenv(variable, value)
        np.testing.assert_array_equal(scores(bundle), expected)


def test_it_is_listed_counted_and_cleared(
    bundle: Bundle, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores(bundle)
    (own_cache / "openvino" / ".x.blob.1.ab.part").write_bytes(b"half")
    assert run_cache(["list"]) == 0
    listed = capsys.readouterr().out
    assert "compiled by OpenVINO" in listed and "1 left over and 1 compiled by" in listed
    assert run_cache(["list", "--json"]) == 0
    kinds = [set(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    assert {"compiled_graph", "bytes"} in kinds and {"left_over", "bytes"} in kinds
    assert run_cache(["clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"]["compiled_graphs"] == 1
    assert not any(path.is_file() for path in own_cache.rglob("*"))


def test_the_limit_of_the_cache_counts_it(bundle: Bundle, own_cache: Path) -> None:
    scores(bundle)
    EngineCache(limit_bytes=0).make_room(keep="nothing")
    assert not any(path.is_file() for path in own_cache.rglob("*"))


def test_bfloat16_that_would_be_emulated_is_refused_unless_forced(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino

    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has it")
    monkeypatch.setattr("runtime.backends.openvino.computes_bfloat16", lambda: False)
    with pytest.raises(UserError, match=r"does not multiply in bfloat16.*--force-backend"):
        open_backend(bundle, "openvino-bf16", threads=1)
    with open_backend(bundle, "openvino-bf16", threads=1, force=True) as forced:
        assert forced.name == "openvino-bf16"
