"""The training command as a person runs it: real scenes, a few steps; real processes where a signal
or another process is the point.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from tests.support.processes import LIMIT_S, run_with_children, started_processes  # noqa: E402
from training.checkpoints.__main__ import main as checkpoints  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine import trainer  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.engine.evaluation import embed_names  # noqa: E402
from training.engine.folder import make_folder  # noqa: E402
from training.engine.trainer import Run  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.run import main, parse_arguments, resolve  # noqa: E402

TINY = [
    *("--config", "smoke", "--set", "pretrain.batch=4", "--set", "mgca.batch=4"),
    *("--set", "data.size_wh=[64,48]", "--set", "evaluation.size_wh=[64,48]"),
    *("--set", "evaluation.scenes=1", "--set", "evaluation.every=0", "--set", "units.seeds=16"),
    *("--set", "threads=1", "--set", "data.workers=0", "--set", "pretrain.warmup=1"),
]
# The command in another process, but with few captions to read first.
SCRIPT = """
import sys
from training.data.stream import PairStream
from training.run import main
PairStream.sample_scenes = PairStream.sample_pictures = 16
sys.exit(main())
"""


def weights(path):
    return load_checkpoint(path).model.state_dict()


def assert_same(first, second):
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=1e-5), name


@pytest.fixture
def run(tmp_path, few_scenes):
    """Runs the command in this process, with runs below ``tmp_path``."""

    def command(*arguments, code=0):
        assert main(["--runs", str(tmp_path), *map(str, arguments)]) == code

    return command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "nonsense"], "neither a recipe"),
        (["--confg", "smoke"], "did you mean --config?"),
        (["--set", "seed"], "expected key=value"),
        (["--set", "losses.pxel_weight=1"], "the nearest is 'pixel_weight'"),
        (["--set", "pretrain.relight=0.5"], "is now called 'pretrain.color_jitter'"),
        (["--set", "legs.sings.pretrain.steps=5"], "one of the legs singles, mixed"),
        (["--set", "legs.mixed.pretrain.stps=5"], "the nearest is 'steps'"),
        (["--set", "legs.mixed.model.decoder_width=32"], "leg 'mixed' changes the model"),
        (["--resume", "latest"], "no last.pt below"),
        (["--resume", "nowhere.pt"], "does not exist"),
        (["--train-data", "nowhere/{000..002}.tar"], "nowhere/000.tar"),
        (["--set", "device=tpu"], "expected auto, cpu or cuda"),
        (
            ["--set", "model.prompts=poems"],
            "expected one of both, captions, imagenet, openai, seen",
        ),
        (["--set", "pretrain.teacher=ema", "--config", "smoke"], "pretrain.ema_steps=300"),
    ],
)
def test_bad_arguments_get_one_line(run, capfd, arguments, words):
    run(*arguments, code=2)
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert words in error
    assert "Traceback" not in error


@pytest.mark.slow  # another process that imports torch
def test_loading_a_trained_checkpoint_says_nothing_of_random_weights(stored):
    # Another process: what a library logs depends on who has configured logging before.
    script = f"from training.engine.checkpoint import load_checkpoint as x; x({str(stored)!r})"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_stopped_and_resumed_equals_unbroken(tmp_path, run, monkeypatch):
    steps = ["--set", "pretrain.steps=2", "--set", "mgca.steps=4", "--set", "checkpoint_every=2"]
    run(*TINY, *steps, "--set", "name=whole")
    # Interrupted right after the checkpoint at step 2 of the decoder's four.
    save, broken, interrupted = Run.save, tmp_path / "broken/last.pt", []

    def interrupt(self):
        save(self)
        if self.phase == "mgca" and self.state.step == 2 and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", interrupt)
    run(*TINY, *steps, "--set", "name=broken", code=130)
    assert interrupted and load_checkpoint(broken).step == 2
    run("--resume", broken)
    assert_same(weights(tmp_path / "whole/last.pt"), weights(broken))
    lines = [json.loads(x) for x in (tmp_path / "broken/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["evaluation"] == "MGCA"
    assert 0 <= lines[-1]["miou_adaptive"] <= 1


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_run_goes_on_from_the_last_checkpoint(
    tmp_path, run, monkeypatch, capfd
):
    steps = ["--set", "pretrain.steps=3", "--set", "mgca.steps=0", "--set", "checkpoint_every=1"]
    run(*TINY, *steps, "--set", "name=whole")
    saved = []

    def save(path, checkpoint):
        if len(saved) == 2:  # the first one is written before the first step
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved.append(checkpoint.step)
        save_checkpoint(path, checkpoint)

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "save_checkpoint", save)
        run(*TINY, *steps, "--set", "name=full", code=1)
    last = tmp_path / "full/last.pt"
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert f"checkpoint '{last}' cannot be written (No space left on device)" in error
    assert saved == [0, 1] and load_checkpoint(last).step == 1
    run("--resume", last)
    assert_same(weights(tmp_path / "whole/last.pt"), weights(last))


@pytest.mark.slow
def test_a_run_can_go_on_from_its_very_beginning(tmp_path, run, monkeypatch):
    steps = ["--set", "pretrain.steps=2", "--set", "mgca.steps=2"]
    run(*TINY, *steps, "--set", "name=whole")
    with monkeypatch.context() as patched:
        patched.setattr(Run, "optimise", Mock(side_effect=KeyboardInterrupt))
        run(*TINY, *steps, "--set", "name=begun", code=130)
    (tmp_path / "whole/last.pt").rename(tmp_path / "whole.pt")
    run("--resume", "latest")
    assert_same(weights(tmp_path / "whole.pt"), weights(tmp_path / "begun/last.pt"))


def test_what_killed_runs_left_is_removed(tmp_path):
    with started_processes() as start:
        process = start([sys.executable, "-c", ""])
        assert process.wait(LIMIT_S) == 0
    kept = [f".last.pt.{os.getpid()}.0a1b2c.part", ".other.1.part", "last.pt", ".last.pt.x.part"]
    for name in (*kept, f".last.pt.{process.pid}.0a1b2c.part"):
        (tmp_path / name).touch()
    make_folder(tmp_path, TrainConfig(), keep=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "config.json"])


@pytest.fixture
def stored(tmp_path):
    torch.manual_seed(0)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    save_checkpoint(
        tmp_path / "last.pt", Checkpoint(config=TrainConfig(), model=model, phase="mgca", step=0)
    )
    return tmp_path / "last.pt"


def test_a_resumed_run_can_embed_names_in_other_sentences(stored):
    arguments = ["--resume", str(stored), "--set", "model.prompts=captions"]
    config, checkpoint = resolve(parse_arguments(arguments))
    assert config.model.prompts == "captions"
    before = embed_names(load_checkpoint(stored).model, ("car", "bus"))
    after = embed_names(checkpoint.model, ("car", "bus"))
    assert not torch.allclose(before, after, atol=1e-3)


def test_a_resumed_run_keeps_the_model_that_was_trained(stored):
    arguments = ["--resume", str(stored), "--set", "model.decoder_width=32"]
    with pytest.raises(UserError, match=r"decoder_width is 64 in the checkpoint, 32 was asked"):
        resolve(parse_arguments(arguments))


@pytest.mark.slow
def test_a_run_stops_where_it_is_told(tmp_path, run, capfd):
    steps = ["--set", "pretrain.steps=3", "--set", "mgca.steps=0"]
    run(*TINY, *steps, "--set", "name=whole")
    capfd.readouterr()
    run(*TINY, *steps, "--set", "name=parts", "--until", "2")
    assert "stopped at step 2; go on with --resume" in capfd.readouterr().out
    last = tmp_path / "parts/last.pt"
    stopped = load_checkpoint(last)
    assert (stopped.phase, stopped.step) == ("pretrain", 2)
    with pytest.raises(UserError, match="is at step 2 of its leg already"):
        resolve(parse_arguments(["--resume", str(last), "--until", "2"]))
    run("--resume", last)
    assert_same(weights(tmp_path / "whole/last.pt"), weights(last))


@pytest.mark.slow
def test_mgca_starts_from_an_average_of_two_states(tmp_path, run):
    steps = ["--set", "pretrain.steps=3", "--set", "mgca.steps=2"]
    first, last = tmp_path / "first.pt", tmp_path / "smoke/last.pt"
    run(*TINY, *steps, "--until", "1")
    last.rename(first)
    run("--resume", first, "--until", "3")  # the phase's very end
    between = tmp_path / "between.pt"
    files = ["--from", str(first), "--to", str(last), "--share", "0.5", "--out", str(between)]
    assert checkpoints(["interpolate", *files]) == 0
    run("--resume", between, "--set", "pretrain.steps=0")
    done = load_checkpoint(last)
    assert (done.phase, done.step) == ("mgca", 2)
    middle, final = weights(between), done.model.state_dict()
    frozen = [name for name in middle if name.startswith("clip.")]
    assert frozen
    assert all(torch.equal(middle[name], final[name]) for name in frozen)
    assert not torch.equal(middle["decoder.stage1.gate"], final["decoder.stage1.gate"])


@pytest.mark.slow
def test_interrupted_run_saves_and_can_go_on(tmp_path):
    command = [sys.executable, "-c", SCRIPT, "--runs", str(tmp_path), *TINY]
    with started_processes() as start:
        process = start([*command, "--set", "pretrain.steps=100000"])
        log = tmp_path / "smoke/metrics.jsonl"
        # However slow the machine is: what is waited for are the first ten steps.
        while not log.exists() and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        output, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "go on with --resume" in output
    checkpoint = load_checkpoint(tmp_path / "smoke/last.pt")
    assert checkpoint.phase == "pretrain"
    assert checkpoint.step >= 10
    assert checkpoint.optimizer is not None


@pytest.mark.slow
def test_two_processes_train_together_and_one_goes_on(tmp_path, run):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--standalone", str(script), "--runs", str(tmp_path), *TINY]
    steps = ["--set", "pretrain.steps=1", "--set", "mgca.steps=3", "--until", "2"]
    steps += ["--set", "mgca.accumulate=2"]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = run_with_children([*command, *steps], env=here)
    assert done.returncode == 0, done.stderr[-2000:]
    stopped = load_checkpoint(tmp_path / "smoke/last.pt")
    assert (stopped.phase, stopped.step) == ("mgca", 2)
    run("--resume", "latest")
    done = load_checkpoint(tmp_path / "smoke/last.pt")
    assert done.step == 3
    moved = done.model.decoder.stage2.speak.weight - stopped.model.decoder.stage2.speak.weight
    assert float(moved.detach().abs().max()) > 0
