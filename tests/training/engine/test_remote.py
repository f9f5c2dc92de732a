"""Runs at addresses: what arrives, in which order, and what is said of what does not."""

from __future__ import annotations

import os
import uuid

import pytest

pytest.importorskip("torch")

import fsspec

from runtime.errors import MgcaError, UserError
from training.engine import remote
from training.engine.remote import RemoteRun, fetch_checkpoint, newest_remote


@pytest.fixture(params=["memory", "file"])
def address(request, tmp_path, monkeypatch):
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "PAUSE_S", 0.0)
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}/runs"
    return f"file://{tmp_path}/away/runs"


def make_run(folder, content="1"):
    (folder / "tensorboard").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "last.pt").write_text(content)
    (folder / "tensorboard/events").write_text("e")
    (folder / ".last.pt.1.part").write_text("half")
    return folder


def test_what_changed_is_sent_and_found_again(tmp_path, address):
    folder, said = make_run(tmp_path / "here"), []
    run = RemoteRun(f"{address}/mine", folder, said.append)
    put, sent = run._put, []
    run._put = lambda path, target: (sent.append(path.name), put(path, target))
    run.send_all()
    assert sorted(sent) == ["config.json", "events", "last.pt"] and sent[-1] == "last.pt"
    (folder / "last.pt").write_text("22")
    assert run.send() and sent[3:] == ["last.pt"] and not said
    files, path = fsspec.core.url_to_fs(f"{address}/mine")
    assert files.cat_file(f"{path}/tensorboard/events") == b"e"
    assert not [name for name in files.find(path) if name.endswith(".part")]
    RemoteRun(f"{address}/other", make_run(tmp_path / "later", "333"), said.append).send_all()
    newest = newest_remote(address)
    assert newest.endswith("/other/last.pt")
    assert fetch_checkpoint(newest).read_text() == "333"
    # On another machine the record so far comes first, or it would be replaced by its rest.
    elsewhere = tmp_path / "elsewhere"
    RemoteRun(f"{address}/mine", elsewhere, said.append).fetch_record()
    assert (elsewhere / "config.json").read_text() == "{}"
    assert not (elsewhere / "last.pt").exists()


def test_what_cannot_be_reached_is_told_and_kept(tmp_path):
    (tmp_path / "file").write_text("")
    folder, said = make_run(tmp_path / "here"), []
    run = RemoteRun(f"file://{tmp_path}/file/runs/mine", folder, said.append)
    remote.PAUSE_S, pause = 0.0, remote.PAUSE_S
    try:
        with pytest.raises(MgcaError, match=f"it is whole in '{folder}'"):
            run.send_all()
    finally:
        remote.PAUSE_S = pause
    assert len(said) == remote.ATTEMPTS and "attempt 3" in said[-1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: newest_remote("memory://nothing/here"), "no last.pt below"),
        (lambda: fetch_checkpoint("memory://nothing/last.pt"), "cannot be read"),
        (lambda: newest_remote("nonsense://x"), "Protocol not known: nonsense"),
    ],
)
def test_addresses_that_hold_nothing(call, words, tmp_path, monkeypatch):
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=words):
        call()


@pytest.mark.slow
def test_a_run_at_an_address_goes_on_from_there(tmp_path, monkeypatch, few_scenes, capfd):
    from tests.training.engine.test_run import TINY
    from training.engine.checkpoint import load_checkpoint
    from training.run import main

    address = f"memory://{uuid.uuid4().hex}/runs"
    steps = ["--set", "pretrain.steps=0", "--set", "mgca.steps=3", "--runs", address]
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "first"))
    assert main([*TINY, *steps, "--until", "2"]) == 0
    assert f"go on with --resume {address}/smoke/last.pt" in capfd.readouterr().out
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "second"))  # another machine
    assert main(["--runs", address, "--resume", "latest"]) == 0
    files, path = fsspec.core.url_to_fs(f"{address}/smoke")
    files.get_file(f"{path}/last.pt", str(tmp_path / "last.pt"))
    assert load_checkpoint(tmp_path / "last.pt").step == 3
    assert b"evaluation" in files.cat_file(f"{path}/metrics.jsonl")
    assert os.listdir(tmp_path / "second/runs")
