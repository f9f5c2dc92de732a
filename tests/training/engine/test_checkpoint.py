"""Checkpoint files: round trip, shipping in half precision, and everything that is not one."""

from __future__ import annotations

import errno
import pickle
import resource
from contextlib import contextmanager

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402


@contextmanager
def full_after(largest_bytes):
    """Within, no file of this process grows beyond so much: what a full disk does to one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def checkpoint():
    torch.manual_seed(3)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    torch.nn.init.normal_(model.decoder.stage1.gate)
    return Checkpoint(
        config=TrainConfig(seed=5), model=model, phase="mgca", step=12, steps_before=700
    )


def test_round_trip(tmp_path, checkpoint):
    path = tmp_path / "last.pt"
    save_checkpoint(path, checkpoint)
    loaded = load_checkpoint(path)
    assert (loaded.phase, loaded.step, loaded.config) == ("mgca", 12, checkpoint.config)
    assert loaded.steps_before == 700
    for name, value in checkpoint.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_half_is_smaller_and_close(tmp_path, checkpoint):
    save_checkpoint(tmp_path / "full.pt", checkpoint)
    save_checkpoint(tmp_path / "half.pt", checkpoint, half=True)
    sizes = {p.stem: p.stat().st_size for p in tmp_path.iterdir()}
    assert sizes["half"] < 0.55 * sizes["full"]
    loaded = load_checkpoint(tmp_path / "half.pt").model.decoder.stage1.gate
    assert loaded.dtype == torch.float32
    assert torch.allclose(loaded, checkpoint.model.decoder.stage1.gate, atol=2e-3)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_full_disk_leaves_the_last_one_whole(tmp_path, checkpoint, share):
    path = tmp_path / "last.pt"
    save_checkpoint(path, checkpoint)
    before = path.read_bytes()
    with full_after(int(share * len(before))), pytest.raises(OSError) as caught:
        save_checkpoint(path, checkpoint)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]
    assert load_checkpoint(path).step == 12


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def write_evil(path):
    path.write_bytes(pickle.dumps({"format": "mgca-checkpoint", "x": Evil()}))


def write_other(path):
    torch.save({"state_dict": {}}, path)


def write_newer(path):
    torch.save({"format": "mgca-checkpoint", "format_version": 99}, path)


def write_partial(path):
    torch.save({"format": "mgca-checkpoint", "format_version": 1, "step": 1}, path)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.write_bytes(b"not a checkpoint at all"), "cannot be read"),
        (write_evil, "cannot be read"),
        (write_other, "of another format"),
        (write_newer, "format version 99"),
        (write_partial, "lacks config"),
    ],
)
def test_what_is_no_checkpoint(tmp_path, capsys, write, words):
    path = tmp_path / "bad.pt"
    write(path)
    with pytest.raises(UserError, match=words) as caught:
        load_checkpoint(path)
    assert caught.value.exit_code == 2
    assert "executed" not in capsys.readouterr().out


def test_weights_that_do_not_fit(tmp_path, checkpoint):
    path = tmp_path / "last.pt"
    save_checkpoint(path, checkpoint)
    content = torch.load(path, weights_only=True)
    content["decoder"].pop("stage1.gate")
    torch.save(content, path)
    with pytest.raises(UserError, match="does not fit its own configuration"):
        load_checkpoint(path)


def test_truncated_file(tmp_path, checkpoint):
    path = tmp_path / "last.pt"
    save_checkpoint(path, checkpoint)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(UserError, match="cannot be read"):
        load_checkpoint(path)
