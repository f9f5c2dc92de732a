"""Two builds of ONNX Runtime share one module: which is there, and what to do for CUDA."""

from __future__ import annotations

import pytest

from runtime.backends.onnxruntime import installed


@pytest.mark.parametrize(
    ("present", "words"),
    [
        (
            {"onnxruntime": "1.32.0"},
            "without CUDA: pip uninstall --yes onnxruntime onnxruntime-gpu",
        ),
        ({"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}, "overwrite each other: pip unin"),
        ({"onnxruntime-gpu": "1.31.1"}, "install the CUDA and cuDNN that this onnxruntime-gpu"),
    ],
)
def test_remedy_fits_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, present: dict[str, str], words: str
) -> None:
    monkeypatch.setattr(installed, "installed_versions", lambda names: present)
    assert words in installed.cuda_remedy()
    assert installed.cuda_remedy().count("onnxruntime-gpu[cuda,cudnn]") == 1
