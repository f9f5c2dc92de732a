"""``--trt`` and ``--triton`` of an export: their flags, and what they do once bundles stand."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export.targets.device_jobs import (
    DeviceJob,
    add_device_flags,
    finish_for_devices,
    read_device_flags,
)
from runtime.backends.tensorrt.cache import EngineCache
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError


def read(*flags: str) -> DeviceJob:
    parser = argparse.ArgumentParser()
    add_device_flags(parser)
    return read_device_flags(parser.parse_args(flags))


def test_flags_to_a_job() -> None:
    assert read() == DeviceJob()
    job = read("--trt", "fp16", "--trt-words", "1,20,256", "--trt-workspace", "512M", "--trt-lean")
    assert job.trt == "fp16" and job.settings.words == (1, 20, 256)
    assert job.settings.workspace_bytes == 512 << 20
    assert job.settings.version_compatible and job.settings.exclude_lean_runtime
    assert job.precisions(("fp32",)) == ("fp32", "fp16")
    assert job.precisions(("fp16",)) == ("fp16",)
    assert read("--trt", "int8").precisions(("fp32", "int8")) == ("fp32", "int8", "int8-static")
    assert read("--triton", "models").triton == Path("models")


@pytest.mark.parametrize(
    "flags",
    [
        ["--trt-lean"],
        ["--trt-level", "3"],
        ["--trt", "fp16", "--trt-level", "9"],
        ["--trt", "fp16", "--trt-words", "64"],
        ["--trt", "fp16", "--trt-words", "0,1,2"],
        ["--trt", "fp16", "--trt-words", "1,9,2"],
        ["--trt", "fp16", "--trt-workspace", "lots"],
        ["--triton", "x", "--triton-instances", "0"],
    ],
)
def test_flags_that_are_wrong(flags: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        read(*flags)
    assert "\n" not in str(caught.value)


def test_engine_and_repository_of_the_bundles(
    bundle: Bundle, machine: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = read("--trt", "fp32", "--triton", str(tmp_path / "models"))
    finish_for_devices([bundle.path], job)
    (entry,) = EngineCache().entries()
    assert entry.key["precision"] == "fp32"
    assert (tmp_path / "models/colors-fp32/1/model.onnx").is_file()
    assert "engine " in capsys.readouterr().err


def test_without_tensorrt_the_rest_is_done_and_the_bundle_kept(
    bundle: Bundle, install: Callable[..., Any], tmp_path: Path
) -> None:
    install("11.4", devices=0)
    with pytest.raises(MgcaError, match="is kept") as caught:
        finish_for_devices(
            [bundle.path], read("--trt", "fp32", "--triton", str(tmp_path / "models"))
        )
    assert caught.value.exit_code == 1
    assert bundle.file("segmenter.onnx").is_file() and (tmp_path / "models").is_dir()
    with pytest.raises(MgcaError, match="no fp16 bundle was exported"):
        finish_for_devices([bundle.path], read("--trt", "fp16"))


def test_one_job_does_not_keep_the_other_from_being_done(bundle: Bundle, tmp_path: Path) -> None:
    foreign = tmp_path / "models" / "colors-fp32" / "notes.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(MgcaError) as caught:
        finish_for_devices(
            [bundle.path], read("--trt", "fp16", "--triton", str(tmp_path / "models"))
        )
    assert "was not written by an export" in str(caught.value)
    assert "no fp16 bundle was exported" in str(caught.value)
    # The bundles stand: the arguments are not at fault any more.
    assert caught.value.exit_code == 1
