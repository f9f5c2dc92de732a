"""Whole exports of a tiny model: what is replaced, what is refused, what is left alone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export import job  # noqa: E402
from export.cli import main  # noqa: E402
from export.source import SHIPPED_CHECKPOINT  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from runtime.segment.segmenter import Segmenter  # noqa: E402
from tests.export.first_answer import first_answer  # noqa: E402
from tests.support.processes import started_processes  # noqa: E402
from training.model.clip import load_clip  # noqa: E402


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_under_the_gate_nothing_is_replaced(
    arguments: list[str], bundle: Path, same_graph: None, tmp_path: Path, monkeypatch, capsys
) -> None:
    out = tmp_path / "out"
    shutil.copytree(bundle, out)
    before = _snapshot(out)
    right = job._reference

    def wrong(*given):
        reference = right(*given)
        reference.dense = "maskclip"
        return reference

    monkeypatch.setattr(job, "_reference", wrong)
    assert main([*arguments, "--out", str(out), "--no-text-encoder"]) == 1
    captured = capsys.readouterr()
    assert "FAIL" in captured.out
    assert captured.err.strip().splitlines()[-1].startswith("export: error: fp32: cosine")
    assert _snapshot(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_other_files_are_refused_before_any_work(arguments: list[str], tmp_path, capsys) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert main([*arguments, "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert _snapshot(tmp_path) == {"letter.txt": b"dear"}


@pytest.mark.slow
def test_a_disk_that_runs_out_while_quantising(
    arguments: list[str], same_graph: None, tmp_path: Path, monkeypatch, capsys
) -> None:
    save = onnx.save

    def full(model, path, *rest, **options) -> None:
        if Path(path).name == "fp32.onnx":  # what the quantiser reads
            raise OSError(28, "No space left on device")
        save(model, path, *rest, **options)

    monkeypatch.setattr(onnx, "save", full)
    out = tmp_path / "out"
    flags = ["--precision", "int8", "--no-text-encoder"]
    assert main([*arguments, "--out", str(out), *flags]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith(f"export: error: --out {out}: the disk ran out of room")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_older_bundle_is_replaced_and_a_termination_leaves_it_whole(
    arguments: list[str], bundle: Path, same_graph: None, tmp_path: Path, repository: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(bundle, out)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["model_id"] = "older"
    (out / "manifest.json").write_text(json.dumps(manifest))
    before = _snapshot(out)
    flags = [*arguments, "--out", str(out), "--no-text-encoder"]
    command = [sys.executable, "-m", "export", *flags]
    with started_processes() as start:
        process = start(command, cwd=repository, stdout=subprocess.DEVNULL)
        assert process.stderr is not None
        for line in process.stderr:
            if "tracing" in line:
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert _snapshot(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert main(flags) == 0
    replaced = load_bundle(out)
    assert replaced.manifest.model_id == "mgca-tiny-random"
    assert not replaced.has("text_encoder.onnx")


@pytest.mark.slow
def test_training_free_from_a_local_file_with_names_of_ones_own(
    pictures: Path, tmp_path: Path, capsys
) -> None:
    """The demo scene's classes are not all stored: the user's names are compared instead."""
    torch.manual_seed(2)
    weights, names = tmp_path / "weights.pt", tmp_path / "names.txt"
    torch.save(load_clip("mgca-tiny").state_dict(), weights)
    names.write_text("kite\nvase\n")
    flags = ["--training-free", "--clip", "mgca-tiny", "--pretrained", str(weights)]
    flags += ["--dense", "clearclip", "--gate", "cosine", "--size", "96x64", "--frames", "1"]
    out = tmp_path / "out"
    flags += ["--no-text-encoder", "--vocabulary", str(names), "--out", str(out)]
    assert main(flags) == 0
    # So says open_clip of a model built without weights; here they come a moment later.
    assert "initialized randomly" not in capsys.readouterr().err
    manifest = load_bundle(out).manifest
    assert manifest.parity["miou"] is None
    assert manifest.clip.pretrained == "file:weights.pt"
    assert manifest.clip.dense == "clearclip"
    assert manifest.trained_words is None
    assert manifest.created_by["fp32_cost_at_20_words"]["decoder"]["weight_bytes"] < 1000
    with Segmenter.load(out, "onnxruntime-cpu") as segmenter:
        rows = segmenter.set_classes("kite")  # --background auto, as mgca-rt asks for it
        assert len(rows.background) > 5
        segmenter(cv2.imread(str(pictures / "0.png")))


@pytest.mark.slow
def test_fallback_keeps_parts_in_fp32_and_says_so(
    arguments: list[str], tmp_path: Path, monkeypatch, capsys
) -> None:
    """Demanding more than int8 gave: part of the encoder stays in fp32, and the graph says so."""
    # The shipped weights: random ones may come out of int8 with every label as it was.
    arguments = ["--checkpoint", str(SHIPPED_CHECKPOINT), *arguments[2:], "--no-text-encoder"]
    monkeypatch.setattr(job, "trace_segmenter", first_answer(job.trace_segmenter))
    int8 = tmp_path / "plain"
    lenient = ["--precision", "int8", "--min-agreement", "0.5"]
    assert main([*arguments, "--out", str(int8), *lenient]) == 0
    found = load_bundle(int8).manifest.parity["label_agreement"]
    assert found < 1.0
    out = tmp_path / "out"
    flags = ["--precision", "int8", "--auto-fallback", "--min-agreement", str(found + 1e-7)]
    code = main([*arguments, "--out", str(out), *flags])
    said = capsys.readouterr().err
    assert "falling back: encoder.attention stays in fp32" in said
    if code == 0:
        manifest = load_bundle(out).manifest
        assert "encoder.attention" in manifest.parity["kept_fp32"]
        assert manifest.parity["label_agreement"] > found
        sizes = [(folder / "segmenter.onnx").stat().st_size for folder in (int8, out)]
        assert sizes == sorted(sizes)
    else:
        assert code == 1
        assert not out.exists()
