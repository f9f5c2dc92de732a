"""The whole command on a bundle so small that its frames cost nothing."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.latency.__main__ import main
from benchmarks.latency.matrix_rate import describe_share, measure_rates
from benchmarks.latency.rivals import open_rivals
from runtime import Segmenter
from runtime.bundle import Bundle
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError
from tests.support.random_checkpoint import save_random_checkpoint

Measure = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def measure(bundle: Bundle, clip: Path, tmp_path: Path) -> Measure:
    """Run the command in this process; its exit code and its record."""

    def run(*more: str, name: str = "latency.json") -> tuple[int, dict[str, Any]]:
        flags = ["--bundle", str(bundle.path), "--video", str(clip), "--classes", "red,blue"]
        flags += ["--backend", "onnxruntime-cpu", "--threads", "1", "--warmup", "1"]
        target = tmp_path / name
        code = main([*flags, "--no-matrix-rate", "--json", str(target), *more])
        return code, json.loads(target.read_text()) if target.exists() else {}

    return run


def test_a_record_has_all_that_was_asked(
    measure: Measure, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"{bundle.path}@onnxruntime-cpu"
    against = ["--against", f"{bundle.path},{other}", "--rounds", "7"]
    code, record = measure("--frames", "64", *against, "--camera-fps", "200", "--streams", "2")
    assert code == 0
    assert list(record["stages_ms"]) == ["capture", "preprocess", "infer", "postprocess", "total"]
    total = record["stages_ms"]["total"]
    assert total["p50"] <= total["p90"] and total["p95"] is None and total["p99"] is None
    assert total["ci95"]["p90"][0] <= total["p90"] <= total["ci95"]["p90"][1]
    assert record["frames"] == 64 and record["provider"] == "CPUExecutionProvider"
    assert record["hardware"]["cores"] >= 1 and record["versions"]["numpy"]
    parts = record["start_ms"]
    assert record["load_ms"] == pytest.approx(
        parts["bundle"] + parts["backend"] + parts["words"], abs=0.1
    )
    assert {"first_frame", "change_of_words", "frame_after_change"} <= set(parts)
    assert record["memory_mib"]["peak"] >= record["memory_mib"]["loaded"] > 0
    assert record["live"]["frames_processed"] == 64 and record["live"]["age_ms"]["p90"] > 0
    for name in (str(bundle.path), other):
        ratio = record["against"][name]["frame"]
        assert ratio["rounds"] == 7 and ratio["ci95"][0] <= ratio["ratio"] <= ratio["ci95"][1]
    assert record["machine"]["steady"] is (record["machine"]["reasons"] == [])
    assert record["matrix_rate"] is None
    printed = capsys.readouterr()
    assert "this ÷ other" in printed.out and "age of a frame" in printed.out
    assert ("warning: the machine was not steady" in printed.err) is not record["machine"]["steady"]


def test_a_duration_in_place_of_frames(measure: Measure) -> None:
    code, record = measure("--duration", "0.05")
    assert code == 0 and record["duration_s"] == 0.05
    assert record["frames"] >= 1


def test_random_words_in_place_of_classes(
    bundle: Bundle, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "words.json"
    flags = ["--bundle", str(bundle.path), "--video", str(clip), "--backend", "onnxruntime-cpu"]
    flags += ["--threads", "1", "--frames", "2", "--no-matrix-rate", "--random-words"]
    assert main([*flags, "300", "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    assert record["random_words"] == 300 and len(record["classes"]) == 254
    assert "change_of_words" not in record["start_ms"]
    capsys.readouterr()
    assert main([*flags, "1025"]) == 2 and "at most 1024" in capsys.readouterr().err
    assert main([*flags, "3", "--classes", "red"]) == 2 and "--classes" in capsys.readouterr().err


def test_a_trace_is_what_perfetto_opens(measure: Measure, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    assert measure("--frames", "3", "--trace", str(path))[0] == 0
    trace = json.loads(path.read_text())
    events = trace["traceEvents"]
    spans = [event for event in events if event["ph"] == "X"]
    assert {event["ph"] for event in events} == {"X", "M"}
    for span in spans:
        assert span["ts"] >= 0 and span["dur"] >= 0
        assert {"name", "pid", "tid", "cat", "args"} <= set(span)
    tracks = {one["args"]["name"]: one["tid"] for one in events if one["name"] == "thread_name"}
    assert {span["tid"] for span in spans} == set(tracks.values())
    starts = [span["name"] for span in spans if span["tid"] == tracks["start"]]
    assert starts[:4] == ["open bundle", "open backend", "set words", "first frame"]
    assert "change of words" in starts
    _lie_inside_each_other(spans)
    frames = [span for span in spans if span["tid"] == tracks["frames"]]
    assert [span["name"] for span in frames[:5]] == [
        "frame 0", "capture", "preprocess", "infer", "postprocess",
    ]  # fmt: skip
    assert sum(span["name"] == "infer" for span in frames) == 3


def _lie_inside_each_other(spans: list[dict[str, Any]]) -> None:
    """Spans of one track may nest but not overlap halfway: a viewer could not draw them."""
    for track in {span["tid"] for span in spans}:
        open_until: list[float] = []
        ordered = [span for span in spans if span["tid"] == track]
        for span in sorted(ordered, key=lambda one: (one["ts"], -one["dur"])):
            end = span["ts"] + span["dur"]
            while open_until and open_until[-1] <= span["ts"]:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)


def test_a_limit_fails_or_is_refused(
    measure: Measure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, record = measure("--frames", "130", name="old.json")
    assert code == 0 and record["stages_ms"]["total"]["p95"] > 0
    old = ["--frames", "130", "--compare", str(tmp_path / "old.json")]
    code, record = measure(*old, "--max-p95-ratio", "0.01", name="new.json")
    assert code == 1 and record["frames"] == 130, "the record is written all the same"
    assert "times the" in capsys.readouterr().err.splitlines()[-1]
    assert measure(*old, "--units", "pixel", name="none.json") == (2, {})
    assert "other units (adaptive, now pixel)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--against", "encodr"], "encodr: no such folder"),
        (["--against", "encodr@openvino"], "encodr@openvino: no such folder"),
        (["--against", ".@openvimo"], ".@openvimo: no such folder"),
        (["--against", "encoder,encoder"], "twice"),
        (["--against", "encoder"], "does not name its weights"),
        (["--against", "."], "manifest"),
        (["--against", "eager", "--checkpoint", "/nowhere.pt"], "/nowhere.pt"),
        (["--rounds", "3"], "--against"),
        (["--max-p95-ratio", "1.1"], "--compare"),
        (["--compare", "/nowhere.json", "--frames", "130"], "/nowhere.json"),
        (["--compare", "x.json", "--frames", "100"], "130 frames"),
        (["--duration", "0"], "--duration"),
        (["--camera-fps", "0"], "--camera-fps"),
        (["--trace", "-"], "--trace"),
    ],
)
def test_what_does_not_fit_is_refused(
    measure: Measure, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = flags if "--frames" in flags or "--duration" in flags else ["--frames", "2", *flags]
    assert measure(*given) == (2, {})
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("name", "package"), [("encoder", "onnx"), ("eager", "torch")])
def test_a_package_that_is_missing_is_named_at_once(
    name: str, package: str, measure: Measure, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    assert measure("--frames", "2", "--against", name) == (2, {})
    assert f"needs {package}, which is not installed" in capsys.readouterr().err


@pytest.mark.slow
def test_the_matrix_rate_of_every_precision_or_why_not() -> None:
    pytest.importorskip("onnx")
    rates = measure_rates(1, side=64, seconds=0.0)
    assert set(rates) == {"fp32", "bf16", "int8"}
    for rate in rates.values():
        assert (rate["gflops"] or 0) > 0 or rate["absent"]
    assert rates["fp32"]["gflops"] > 0 and rates["int8"]["gflops"] > 0


def test_a_share_by_hand() -> None:
    """2 G operations in 100 ms are 20 G/s: a fifth of 100."""
    rates = {"fp32": {"gflops": 100.0}, "bf16": {"gflops": None}}
    found = describe_share(2_000_000_000, 100.0, rates)
    assert found["reached_gflops"] == 20.0
    assert found["share"] == {"fp32": 0.2, "bf16": None}


@pytest.mark.slow
def test_the_shipped_model_against_its_encoder_and_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    target = tmp_path / "latency.json"
    flags = ["--backend", "onnxruntime-cpu", "--frames", "2", "--warmup", "0", "--rounds", "2"]
    flags += ["--bundle", str(DEMO_BUNDLE)]
    assert main([*flags, "--against", "encoder,eager", "--json", str(target)]) == 0
    record = json.loads(target.read_text())
    assert set(record["against"]) == {"encoder", "eager"}
    assert record["against"]["encoder"]["infer"]["ratio"] > 1, "a part takes less than the whole"
    share = record["matrix_rate"]
    assert share["graph_gflop"] > 0 and share["share"]["fp32"] > 0


@pytest.mark.slow
def test_a_checkpoint_with_other_weights_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    save_random_checkpoint(tmp_path / "other.pt")
    arguments = Namespace(checkpoint=tmp_path / "other.pt", threads=None)
    with Segmenter.load(DEMO_BUNDLE, "onnxruntime-cpu") as segmenter, ExitStack() as held:
        segmenter.set_classes("car,sky")
        image_bgr = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        with pytest.raises(UserError, match="--checkpoint"):
            open_rivals(("eager",), arguments, segmenter, image_bgr, held, tmp_path)
