from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bundle import (
    Bundle,
    Manifest,
    load_bundle,
    write_bundle,
)
from runtime.errors import BundleError, UserError


def test_writing_replaces_an_older_bundle(make_bundle: Callable[..., Bundle]) -> None:
    first = make_bundle(files={"extra.bin": b"old"})
    second = make_bundle(model_id="newer")
    assert second.path == first.path and second.manifest.model_id == "newer"
    assert not (second.path / "extra.bin").exists()
    assert sorted(path.name for path in second.path.parent.iterdir()) == [
        "bundle",
        "bundle.vocabulary",
    ]


def test_writing_refuses_a_folder_that_is_no_bundle(
    tmp_path: Path, make_bundle: Callable[..., Bundle]
) -> None:
    (tmp_path / "bundle").mkdir()
    make_bundle()  # an empty folder is taken
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(BundleError) as caught:
        make_bundle("home")
    assert str(caught.value) == (
        f"{tmp_path}/home holds something that is not a bundle; expected a new or empty folder, "
        "or an older bundle to replace; choose another"
    )
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years of work"


def test_writing_refuses_a_bundle_with_the_users_files(
    bundle: Bundle, make_bundle: Callable[..., Bundle]
) -> None:
    (bundle.path / "notes.txt").write_text("mine")
    with pytest.raises(BundleError) as caught:
        make_bundle()
    assert str(caught.value) == (
        f"{bundle.path} holds notes.txt, which is not part of the bundle there; "
        "move it elsewhere or choose another folder"
    )
    assert (bundle.path / "notes.txt").read_text() == "mine"


def test_a_failed_write_leaves_the_old_bundle(
    bundle: Bundle, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.path.iterdir()}
    with pytest.raises(BundleError):
        write_bundle(bundle.path, manifest, {"segmenter.onnx": b"only"})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfile", interrupt)
    source = bundle.path / "segmenter.onnx"
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle.path, manifest, {"segmenter.onnx": source})
    assert {path.name: path.read_bytes() for path in bundle.path.iterdir()} == before
    assert not list(bundle.path.parent.glob(".bundle*"))


def test_moved_files_lie_on_the_disk_once(tmp_path: Path, bundle: Bundle) -> None:
    """Room for what is copied is enough: weights of gigabytes are renamed."""
    files = {name: tmp_path / name for name in bundle.manifest.files}
    for name, path in files.items():
        path.write_bytes(bundle.file(name).read_bytes())
    large = files["segmenter.onnx"]
    before = large.stat().st_ino
    written = write_bundle(tmp_path / "new", bundle.manifest, files, moved=["segmenter.onnx"])
    assert written.file("segmenter.onnx").stat().st_ino == before
    assert not large.exists()
    kept = set(files) - {"segmenter.onnx"}
    assert kept and all(files[name].exists() for name in kept)
    assert load_bundle(written.path).manifest.files == bundle.manifest.files


def test_a_failed_last_rename_puts_the_old_bundle_back(
    bundle: Bundle, make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def fail_for_the_new(source: Path, target: Path) -> None:
        if Path(source).suffix == ".partial":
            raise OSError(5, "Input/output error")
        rename(source, target)

    # Where a file system cannot exchange two names in one step.
    monkeypatch.setattr("runtime.bundle.writer.exchange", lambda fresh, target: False)
    monkeypatch.setattr("os.rename", fail_for_the_new)
    with pytest.raises(UserError, match=r"cannot be written \(Input/output error\)"):
        make_bundle(model_id="newer")
    assert load_bundle(bundle.path).manifest.model_id == "colors"
    assert not list(bundle.path.parent.glob(".bundle*"))


def test_a_place_that_cannot_be_written(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError) as caught:
        write_bundle(tmp_path / "file" / "bundle", manifest, {})
    text = str(caught.value)
    assert text.startswith(f"bundle {tmp_path}/file/bundle cannot be written (")
    assert text.endswith("); choose a folder that can be")
    assert (tmp_path / "file").read_text() == "x"


def test_too_little_disk(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(UserError) as caught:
        write_bundle(tmp_path / "bundle", manifest, {"segmenter.onnx": b"x" * 11})
    assert str(caught.value).startswith(f"too little disk at {tmp_path}: the bundle needs 0.0 MB")
    assert not (tmp_path / "bundle").exists()
    large = tmp_path / "large.onnx"
    large.write_bytes(b"x" * 11)
    # Moved, it needs no more room (what is wrong with it then is another matter).
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "bundle", manifest, {"a.onnx": large}, moved=["a.onnx"])
