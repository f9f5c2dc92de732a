"""Encoders that open_clip takes from timm through export and runtime; narrow, random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from benchmarks.stand_in_tokenizer import write_tokenizer  # noqa: E402
from export import fit  # noqa: E402
from export.cli import main  # noqa: E402
from export.fit import check_fit  # noqa: E402
from export.settings import ExportSettings  # noqa: E402
from runtime import Segmenter  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from runtime.errors import UserError  # noqa: E402
from runtime.text.encoder import TextEncoder  # noqa: E402
from tests.support import timm_clips  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of each model, and a tokenizer."""
    folder = tmp_path_factory.mktemp("timm")
    timm_clips.register(folder)
    for name in timm_clips.CONFIGS:
        torch.save(timm_clips.build(name).state_dict(), folder / f"{name}.pt")
    write_tokenizer(folder / "tokenizer.json")
    return folder


def _flags(name: str, folder: Path, pictures: Path, words: Path, out: Path) -> list[str]:
    return [
        "--training-free", "--clip", name, "--pretrained", str(folder / f"{name}.pt"),
        "--out", str(out), "--gate", "cosine", "--size", "64x48", "--frames", "2",
        "--calibration", str(pictures), "--vocabulary", str(words), "--token-table", "fp32",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mode", "precisions"),
    [
        pytest.param(timm_clips.EVA_SHALLOW, "sc-clip", "fp32,int8", marks=pytest.mark.long),
        (timm_clips.SIGLIP, "maskclip", "fp32,fp16"),
        pytest.param(timm_clips.SIGLIP, "naclip", "fp32,int8", marks=pytest.mark.long),
        pytest.param(timm_clips.PE, "maskclip", "fp32", marks=pytest.mark.long),
    ],
)
def test_timm_towers_pass_the_gate_and_run(
    name: str, mode: str, precisions: str, folder: Path, pictures: Path, words: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    flags = [*_flags(name, folder, pictures, words, out), "--precision", precisions]
    flags += ["--dense", "naclip"] if mode == "naclip" else []
    own = name == timm_clips.SIGLIP
    assert main([*flags, *(["--tokenizer", str(folder)] if own else [])]) == 0
    manifest = load_bundle(out).manifest
    assert (manifest.clip.name, manifest.clip.dense) == (name, mode)
    assert manifest.parity["stages"]["encoder"]["least"] > 0.9999
    assert manifest.text.tokenizer == ("canonical-unigram" if own else None)
    clip = timm_clips.build(name)
    with Segmenter.load(out, "onnxruntime-cpu") as segmenter:
        segmenter.set_classes(["sky", "heron"], allow_unknown=True)
        result = segmenter(np.zeros((48, 64, 3), np.uint8))
        assert result.labels.shape == (48, 64)
        encoder = TextEncoder(segmenter.bundle)
        try:
            texts = ["a photo of the sky", "Road, 3 (cars)!"]
            tokens = torch.from_numpy(encoder.tokenizer(texts))
            expected = clip.encode_text(tokens).numpy()
            np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-4)
        finally:
            encoder.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("RN50", "its image tower is a ModifiedResNet, no plain ViT"),
        ("convnext_base", "its image tower is a ConvNeXt, no plain ViT"),
        ("coca_ViT-B-32", "pools by attention with many queries"),
        ("roberta-ViT-B-32", "its text tower is Hugging Face's roberta-base"),
        ("MobileCLIP-B", "its patches come out of a stem of convolutions"),
        ("ViT-H-14", "its image tower takes 2.4 GiB in fp32, and one ONNX file holds 1.9"),
        ("EVA01-g-14", "its image tower takes 3.8 GiB in fp32"),
        ("ViT-L-14-CLIPA", "cleans texts in a way that the runtime does not have"),
        ("ViT-B-16-SigLIP", "expected its tokenizer.json by --tokenizer FILE"),
        ("ViT-B-17", "is not known to open_clip"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_any_work(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"not read")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    settings = ExportSettings(
        tmp_path / "out", training_free=True, clip=name, pretrained=str(weights)
    )
    with pytest.raises(UserError) as caught:
        check_fit(settings)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_little_memory_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 16 kB\nMemAvailable:       16 kB\n")
    monkeypatch.setattr(fit, "_MEMINFO", meminfo)
    settings = ExportSettings(
        tmp_path, training_free=True, clip=timm_clips.PE, pretrained=str(folder / "test-pe.pt")
    )
    with pytest.raises(UserError, match=r"GiB of memory, and 0\.0 are free"):
        check_fit(settings)
