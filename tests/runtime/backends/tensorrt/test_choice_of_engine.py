"""``--backend auto`` with an engine in the cache, without one, and with a stale or a lying one."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.backends import choice, open_backend
from runtime.backends.parity import trial_feeds
from runtime.backends.tensorrt import rebuild as tensorrt_rebuild
from runtime.backends.tensorrt.backend import TensorRtBackend, open_engine
from runtime.backends.trial import Race
from runtime.bundle import Bundle
from runtime.errors import UserError
from tests.support.processes import LIMIT_S


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The processes that would have been started."""
    calls: list[list[str]] = []
    monkeypatch.setattr(
        tensorrt_rebuild.subprocess, "Popen", lambda command, **_: calls.append(command)
    )
    return calls


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, machine: Any) -> Any:
    monkeypatch.setattr(choice, "cuda_devices", lambda: ("Fake GPU",))
    # ONNX Runtime does not share in the fake: its own CUDA is absent, as it is.
    monkeypatch.setattr(choice, "candidates", lambda: ("onnxruntime-cpu",))
    return machine


def engine_is_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    real = choice.race

    def race(first: Any, second: Any, frames: Any) -> Race:
        real(first, second, frames)
        return Race((2.0,) * 3, (1.0 if isinstance(second, TensorRtBackend) else 3.0,) * 3)

    monkeypatch.setattr(choice, "race", race)


def test_a_built_engine_is_taken_if_it_is_the_fastest_and_agrees(
    bundle: Bundle, gpu: Any, monkeypatch: pytest.MonkeyPatch, spawned: list[Any]
) -> None:
    with open_backend(bundle, "tensorrt"):
        pass  # builds it
    engine_is_fastest(monkeypatch)
    for _ in range(2):
        with open_backend(bundle, "auto") as backend:
            assert backend.name == "tensorrt"
            assert set(backend.run(trial_feeds(bundle))) == set(backend.outputs)
    gpu.cuda._assert_all_freed()
    assert spawned == []


def test_auto_never_waits_for_a_build(
    bundle: Bundle, gpu: Any, own_cache: Path, spawned: list[Any]
) -> None:
    with open_backend(bundle, "auto") as backend:
        assert backend.name == "onnxruntime-cpu"
    assert not list(own_cache.rglob("*.plan")) and spawned == []


def test_an_engine_that_disagrees_is_passed_over(
    bundle: Bundle, gpu: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open_backend(bundle, "tensorrt"):
        pass
    engine_is_fastest(monkeypatch)
    real = TensorRtBackend.run

    def lie(self: Any, feeds: Any, outputs: Any = None) -> Any:
        return {name: -value for name, value in real(self, feeds, outputs).items()}

    monkeypatch.setattr(TensorRtBackend, "run", lie)
    with caplog.at_level(logging.WARNING), open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "onnxruntime-cpu"
    assert "tensorrt is passed over: it disagrees" in caplog.text
    gpu.cuda._assert_all_freed()


@pytest.mark.parametrize("spoil", ["torn plan", "torn sidecar", "flipped byte"])
def test_a_broken_engine_is_built_again_while_another_serves(
    bundle: Bundle,
    gpu: Any,
    own_cache: Path,
    spawned: list[Any],
    spoil: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_backend(bundle, "tensorrt"):
        pass
    (plan,) = own_cache.rglob("*.plan")
    (sidecar,) = (own_cache / "engines").glob("*.json")
    if spoil == "torn plan":
        plan.write_bytes(plan.read_bytes()[:-7])
    elif spoil == "torn sidecar":
        sidecar.write_text(sidecar.read_text()[:-30])
    else:
        content = bytearray(plan.read_bytes())
        content[len(content) // 2] ^= 1
        plan.write_bytes(content)
    with open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "onnxruntime-cpu"
    if spoil != "torn sidecar":  # nothing says any more which bundle that one was
        assert spawned and spawned[0][-1] == str(bundle.path)
    # What the background process does, done here.
    assert tensorrt_rebuild.main([str(bundle.path)]) == 0
    engine_is_fastest(monkeypatch)
    with open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "tensorrt"


def test_an_engine_of_another_tensorrt_is_stale(
    bundle: Bundle,
    install: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    spawned: list[Any],
    own_cache: Path,
) -> None:
    monkeypatch.setattr(choice, "cuda_devices", lambda: ("Fake GPU",))
    monkeypatch.setattr(choice, "candidates", lambda: ("onnxruntime-cpu",))
    install("10.3")
    with open_backend(bundle, "tensorrt"):
        pass
    install("11.4")
    with open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "onnxruntime-cpu"
    assert len(spawned) == 1
    with open_backend(bundle, "tensorrt") as backend:  # asked for by name: built and waited for
        assert backend.provider.startswith("TensorRT 11.4")
    versions = {
        json.loads(path.read_text())["key"]["tensorrt"]
        for path in (own_cache / "engines").glob("*.json")
    }
    assert len(versions) == 2


def test_a_rebuild_that_fails_is_not_tried_at_every_start(
    bundle: Bundle,
    install: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    spawned: list[Any],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(choice, "cuda_devices", lambda: ("Fake GPU",))
    monkeypatch.setattr(choice, "candidates", lambda: ("onnxruntime-cpu",))
    install("10.3")
    with open_backend(bundle, "tensorrt"):
        pass
    install("11.4", build="no kernel fits")
    assert tensorrt_rebuild.main([str(bundle.path)]) == 1
    assert "no kernel fits" in capsys.readouterr().err
    with caplog.at_level(logging.WARNING), open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "onnxruntime-cpu"
    assert spawned == [] and "building it failed" in caplog.text


def test_the_background_process_is_a_command_that_exists(bundle: Bundle, own_cache: Path) -> None:
    """Really started, without a GPU: it says what is missing and leaves."""
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "runtime.backends.tensorrt.rebuild", str(bundle.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[4],
        timeout=LIMIT_S,
    )
    assert done.returncode != 0 and "missing here: " in done.stderr


def test_a_version_compatible_engine_serves_a_later_version_and_the_lean_runtime(
    bundle: Bundle, install: Callable[..., Any]
) -> None:
    from export.targets.tensorrt import build_engine
    from runtime.backends.tensorrt.cache import EngineCache
    from runtime.backends.tensorrt.settings import EngineSettings

    install("11.4")
    settings = EngineSettings(version_compatible=True, exclude_lean_runtime=True)
    entry = build_engine(bundle, "fp32", settings)
    feeds = trial_feeds(bundle)
    with open_engine(bundle) as backend:
        expected = backend.run(feeds)["class_scores"]
    install("11.4", lean=True)
    with open_engine(bundle) as backend:
        np.testing.assert_array_equal(backend.run(feeds)["class_scores"], expected)
    # A later version of the same major: the same engine, nothing built.
    later = install("11.4")
    later.surface.version = "11.9.0.1"
    type(later.trt).__version__ = "11.9.0.1"
    with open_engine(bundle, build=False) as backend:
        assert backend.provider.startswith("TensorRT 11.9")
    assert [found.digest for found in EngineCache().entries()] == [entry.digest]


def test_the_lean_runtime_builds_nothing(bundle: Bundle, install: Callable[..., Any]) -> None:
    install("11.4", lean=True)
    with pytest.raises(Exception, match="cannot build one; build it on this device") as caught:
        open_backend(bundle, "tensorrt")
    assert "\n" not in str(caught.value)


def test_without_a_gpu_one_line(bundle: Bundle, install: Callable[..., Any]) -> None:
    install("11.4", devices=0)
    with pytest.raises(UserError) as caught:
        open_backend(bundle, "tensorrt")
    assert str(caught.value).startswith(
        "backend tensorrt: missing here: a GPU that CUDA can use (cudaGetDeviceCount says "
        "cudaErrorInsufficientDriver); "
    )
    assert "install" in str(caught.value) and "\n" not in str(caught.value)


def test_an_engine_for_another_range_of_words_is_found_and_kept_so(
    bundle: Bundle, install: Callable[..., Any]
) -> None:
    from export.targets.tensorrt import build_engine
    from runtime.backends.tensorrt.cache import EngineCache
    from runtime.backends.tensorrt.settings import EngineSettings

    install("10.3")
    build_engine(bundle, "fp32", EngineSettings(words=(1, 2, 5), optimization_level=4))
    feeds = trial_feeds(bundle)
    with open_engine(bundle, build=False) as backend:
        backend.run({**feeds, "text": feeds["text"][:5]})
        with pytest.raises(Exception, match=r"6 rows; .* 1 to 5: .*--trt-words"):
            backend.run(feeds)
    install("11.4")  # what comes in its place is built alike
    assert tensorrt_rebuild.main([str(bundle.path)]) == 0
    newest = EngineCache().entries()[0]
    assert newest.key["tensorrt"].startswith("11.4")
    assert newest.built["settings"]["words"] == [1, 2, 5]
    assert newest.built["settings"]["optimization_level"] == 4


def test_settings_there_and_back() -> None:
    from runtime.backends.tensorrt.settings import EngineSettings

    settings = EngineSettings(words=(1, 2, 3), version_compatible=True, workspace_bytes=9)
    assert EngineSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    for wrong in (None, [], {}, {"words": 3}, {"words": [3, 2, 1]}, {"words": [1, 2, 3], "x": 1}):
        assert EngineSettings.from_json(wrong) == EngineSettings()
