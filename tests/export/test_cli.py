"""Wrong arguments: one line, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from export.cli import main, parse_arguments

IDLE = [
    (["--trt-words", "1,20,256"], "needs --trt"),
    (["--trt-rebuild"], "needs --trt"),
    (["--triton-instances", "2"], "needs --triton"),
    (["--gate", "cosine", "--min-agreement", "0.9"], "--min-agreement decides alone"),
    (["--gate", "labels", "--min-agreement", "0.9"], "--min-agreement decides alone"),
    (["--token-table", "int8", "--no-text-encoder"], "leaves the table out"),
    (["--keep-fp32", "decoder"], "only fp32 is exported"),
    (["--auto-fallback"], "only fp32 is exported"),
    (["--auto-fallback", "--trt", "fp32"], "only fp32 is exported"),
    (["--precision", "fp16", "--keep-fp32", "units"], "always fp32"),
    (["--precision", "fp16", "--keep-fp32", "decoder,scores"], "always fp32"),
    (["--precision", "fp16", "--keep-fp32", "input"], "always fp32"),
]


@pytest.mark.parametrize(("flags", "said"), IDLE)
def test_flags_that_would_do_nothing_are_refused(
    flags: list[str], said: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--out", "x", *flags]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "would do nothing" in line and said in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags",
    [
        ["--trt", "fp16", "--trt-words", "1,20,256", "--trt-rebuild", "--auto-fallback"],
        ["--triton", "models", "--triton-instances", "2"],
        ["--gate", "cosine"],
        ["--token-table", "fp16"],
        ["--precision", "fp32,int8", "--keep-fp32", "encoder.mlp"],
    ],
)
def test_the_same_flags_where_they_do_something(flags: list[str]) -> None:
    assert parse_arguments(["--out", "x", *flags]).out == Path("x")


def test_an_engine_that_cannot_be_built_is_refused_before_any_work(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    """As on a machine without a GPU: nothing of the export may have begun."""
    from export import job
    from runtime.backends.tensorrt import library

    def missing():
        raise library.MissingError("a CUDA GPU")

    monkeypatch.setattr(library, "open_cuda", missing)
    monkeypatch.setattr(job, "export_bundles", lambda settings: pytest.fail("work has begun"))
    monkeypatch.chdir(tmp_path)
    assert main(["--out", "x", "--trt", "fp16"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("export: error: --trt fp16: missing here: a CUDA GPU")
    assert "nothing was exported" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--out"),
        (["--out", "x", "--color", "red"], "--color"),
        (["--out", "x", "--precision", "fp64"], "fp64"),
        (["--out", "x", "--precision", "int8,int8"], "each once"),
        (["--out", "x", "--size", "big"], "WIDTHxHEIGHT"),
        (["--out", "x", "--opset", "23"], "18 to 20"),
        (["--out", "x", "--frames", "0"], ">= 1"),
        (["--out", "x", "--min-agreement", "99"], "from 0 to 1"),
        (["--out", "x", "--keep-fp32", "nose"], "encoder"),
        (["--out", "x", "--clip", "ViT-B-16"], "--training-free"),
        (["--out", "x", "--activation", "gelu"], "--training-free"),
        (["--out", "x", "--position-resize", "size"], "--position-resize needs --training-free"),
        (["--out", "x", "--training-free", "--checkpoint", "y.pt"], "one of the two"),
        (["--out", "x", "--checkpoint", "absent.pt"], "absent.pt"),
        (["--out", "x", "--calibration", "absent"], "no such folder"),
        (["--out", "x", "--vocabulary", "absent.txt"], "no such file"),
    ],
)
def test_one_line_and_exit_code_2(
    flags: list[str], said: str, tmp_path: Path, monkeypatch, capsys, pictures: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--calibration" not in flags:
        flags = [*flags, "--calibration", str(pictures)]
    assert main(flags) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not list(tmp_path.iterdir())


def test_help_shows_examples(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "python -m export --checkpoint" in capsys.readouterr().out


def _fails(arguments: list[str], out: Path, capsys) -> str:
    assert main([*arguments, "--out", str(out)]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert not out.exists()
    return error[0]


def test_foreign_checkpoints(tmp_path: Path, pictures: Path, capsys) -> None:
    import torch

    base = ["--calibration", str(pictures)]
    text = tmp_path / "text.pt"
    text.write_text("not a checkpoint")
    foreign = tmp_path / "foreign.pt"
    torch.save({"state_dict": {}}, foreign)
    for path in (text, foreign):
        line = _fails([*base, "--checkpoint", str(path)], tmp_path / "out", capsys)
        assert path.name in line


@pytest.mark.slow
def test_checkpoints_of_another_architecture(
    checkpoint: Path, tmp_path: Path, pictures: Path, capsys
) -> None:
    """Weights that are not those of the configuration beside them, or of no configuration."""
    import torch

    content = torch.load(checkpoint, weights_only=True)
    wider = {**content["config"]["model"], "decoder_width": 96}
    larger = {**content["config"]["model"], "clip_name": "ViT-S-16"}
    cases = {
        "larger.pt": {**content, "config": {**content["config"], "model": larger}},
        "wider.pt": {**content, "config": {**content["config"], "model": wider}},
        "other.pt": {**content, "clip": {"layers.0.weight": torch.zeros(2, 2)}},
        "newer.pt": {**content, "config": {**content["config"], "color": "red"}},
        "headless.pt": {key: value for key, value in content.items() if key != "decoder"},
    }
    said = {
        "larger.pt": "of another shape (first: positional_embedding",
        "wider.pt": "width 96",
        "other.pt": "1 is left over (first: layers.0.weight)",
        "newer.pt": "color",
    }
    for name, changed in cases.items():
        torch.save(changed, tmp_path / name)
        flags = ["--calibration", str(pictures), "--checkpoint", str(tmp_path / name)]
        line = _fails(flags, tmp_path / "out", capsys)
        assert said.get(name, "lacks decoder") in line
        assert len(line) < 450 + len(str(tmp_path))


def test_training_free_weights_of_another_architecture(
    tmp_path: Path, pictures: Path, capsys
) -> None:
    import torch

    weights = tmp_path / "resnet.pt"
    torch.save({"layer1.0.conv1.weight": torch.zeros(4, 4, 3, 3)}, weights)
    flags = ["--training-free", "--clip", "mgca-tiny", "--pretrained", str(weights)]
    line = _fails([*flags, "--calibration", str(pictures)], tmp_path / "out", capsys)
    assert "resnet.pt" in line and "architecture" in line
    assert "weights are missing (first: " in line
    assert "1 is left over (first: layer1.0.conv1.weight)" in line
    assert len(line) < 450 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "holds no names"), ("car\nroad\ncar\n", "line 1 and again on line 3")],
)
def test_vocabularies_that_are_empty_or_name_twice(
    content: str, said: str, arguments: list[str], tmp_path: Path, capsys
) -> None:
    names = tmp_path / "names.txt"
    names.write_text(content)
    assert said in _fails([*arguments, "--vocabulary", str(names)], tmp_path / "out", capsys)


def test_too_little_disk(arguments: list[str], tmp_path: Path, monkeypatch, capsys) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    line = _fails(arguments, tmp_path / "out", capsys)
    assert "1 MiB free on that disk" in line
    assert not list(tmp_path.iterdir())


def test_size_that_the_patch_does_not_divide(arguments: list[str], tmp_path, capsys) -> None:
    line = _fails([*arguments, "--size", "100x64"], tmp_path / "out", capsys)
    assert "multiples of 8" in line
    assert "96x64" in line


def test_calibration_folder_without_images(arguments: list[str], tmp_path, capsys) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("none here")
    assert "no images" in _fails([*arguments, "--calibration", str(empty)], tmp_path / "o", capsys)
    (empty / "broken.png").write_bytes(b"no picture")
    line = _fails([*arguments, "--calibration", str(empty)], tmp_path / "o", capsys)
    assert "broken.png" in line


def test_unknown_clip_and_weights(tmp_path: Path, pictures: Path, capsys) -> None:
    base = ["--training-free", "--calibration", str(pictures)]
    assert "RN9000" in _fails([*base, "--clip", "RN9000"], tmp_path / "o", capsys)
    line = _fails([*base, "--pretrained", "no-such-tag"], tmp_path / "o", capsys)
    assert "no-such-tag" in line
