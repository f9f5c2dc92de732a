"""The training command as a person runs it: real processes, real scenes, a few steps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from training.checkpoints.interpolate import main as average_command  # noqa: E402
from training.config.run import TrainConfig  # noqa: E402
from training.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from training.engine.evaluation import embed_names  # noqa: E402
from training.model.clip import load_clip  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.run import parse_arguments, resolve  # noqa: E402

TINY = [
    *("--config", "smoke", "--set", "pretrain.batch=8", "--set", "mgca.batch=4"),
    *("--set", "evaluation.scenes=2", "--set", "evaluation.every=0", "--set", "threads=2"),
    *("--set", "data.workers=0"),
]


def run(folder, *arguments, code=0):
    command = [sys.executable, "-m", "training.run", "--runs", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


def weights(path):
    return load_checkpoint(path).model.state_dict()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "nonsense"], "neither a preset"),
        (["--confg", "smoke"], "did you mean --config?"),
        (["--set", "seed"], "expected key=value"),
        (["--set", "losses.pxel_weight=1"], "the nearest is 'pixel_weight'"),
        (["--resume", "latest"], "no last.pt below"),
        (["--resume", "nowhere.pt"], "does not exist"),
        (["--train-data", "nowhere/{000..002}.tar"], "nowhere/000.tar"),
        (["--set", "device=tpu"], "expected auto, cpu or cuda"),
        (["--set", "model.prompts=poems"], "expected one of both, captions, openai, seen"),
    ],
)
def test_bad_arguments_get_one_line(tmp_path, capfd, arguments, words):
    # In this process, to be quick: main is what the command calls.
    from training.run import main

    assert main(["--runs", str(tmp_path / "runs"), *arguments]) == 2
    error = capfd.readouterr().err.strip().splitlines()[-1]
    assert words in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_stopped_and_resumed_equals_unbroken(tmp_path):
    steps = ["--set", "pretrain.steps=3", "--set", "mgca.steps=4", "--set", "checkpoint_every=2"]
    run(tmp_path, *TINY, *steps, "--set", "name=whole")
    # A first run that ends after two decoder steps; the schedule must be the long run's, so the
    # checkpoint written at step 2 of a four-step run is what we go on from.
    broken = tmp_path / "broken"
    script = (
        "import sys, training.run as r\n"
        "save = r.Run.save\n"
        "def stop(self):\n"
        "    save(self)\n"
        "    if self.phase == 'mgca' and self.state.step == 2: sys.exit(9)\n"
        "r.Run.save = stop\n"
        f"r.main(['--runs', {str(tmp_path)!r}, *{[*TINY, *steps, '--set', 'name=broken']!r}])\n"
    )
    stopped = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert stopped.returncode == 9, stopped.stderr
    assert load_checkpoint(broken / "last.pt").step == 2
    run(tmp_path, "--resume", str(broken / "last.pt"))
    whole, resumed = weights(tmp_path / "whole/last.pt"), weights(broken / "last.pt")
    for name, value in whole.items():
        assert torch.allclose(value, resumed[name], atol=1e-5), name
    lines = [json.loads(x) for x in (broken / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["evaluation"] == "MGCA"
    assert 0 <= lines[-1]["miou_adaptive"] <= 1


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
def test_a_run_stops_where_it_is_told(tmp_path):
    steps = ["--set", "pretrain.steps=4", "--set", "mgca.steps=0"]
    run(tmp_path, *TINY, *steps, "--set", "name=whole")
    done = run(tmp_path, *TINY, *steps, "--set", "name=parts", "--until", "3")
    assert "stopped at step 3; go on with --resume" in done.stdout
    last = tmp_path / "parts/last.pt"
    stopped = load_checkpoint(last)
    assert (stopped.phase, stopped.step) == ("pretrain", 3)
    with pytest.raises(UserError, match="is at step 3 of its phase already"):
        resolve(parse_arguments(["--resume", str(last), "--until", "3"]))
    run(tmp_path, "--resume", str(last))
    whole, parts = weights(tmp_path / "whole/last.pt"), weights(last)
    for name, value in whole.items():
        assert torch.allclose(value, parts[name], atol=1e-5), name


@pytest.mark.slow
def test_mgca_starts_from_an_average_of_two_states(tmp_path):
    steps = ["--set", "pretrain.steps=3", "--set", "mgca.steps=2", "--set", "pretrain.warmup=1"]
    first, last = tmp_path / "first.pt", tmp_path / "smoke/last.pt"
    run(tmp_path, *TINY, *steps, "--until", "1")
    last.rename(first)
    run(tmp_path, "--resume", str(first), "--until", "3")  # the phase's very end
    between = tmp_path / "between.pt"
    files = ["--from", str(first), "--to", str(last), "--share", "0.5", "--out", str(between)]
    assert average_command(files) == 0
    run(tmp_path, "--resume", str(between), "--set", "pretrain.steps=0")
    done = load_checkpoint(last)
    assert (done.phase, done.step) == ("mgca", 2)
    middle, final = weights(between), done.model.state_dict()
    frozen = [name for name in middle if name.startswith("clip.")]
    assert frozen
    assert all(torch.equal(middle[name], final[name]) for name in frozen)
    assert not torch.equal(middle["decoder.stage1.gate"], final["decoder.stage1.gate"])


@pytest.mark.slow
def test_interrupted_run_saves_and_can_go_on(tmp_path):
    command = [sys.executable, "-m", "training.run", "--runs", str(tmp_path), *TINY]
    process = subprocess.Popen(
        [*command, "--set", "pretrain.steps=100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "smoke/metrics.jsonl"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with --resume" in output
    checkpoint = load_checkpoint(tmp_path / "smoke/last.pt")
    assert checkpoint.phase == "pretrain"
    assert checkpoint.step >= 10
    assert checkpoint.optimizer is not None


@pytest.mark.slow
def test_two_processes_train_together(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", "29517", "-m", "training.run", "--runs", str(tmp_path), *TINY]
    steps = ["--set", "pretrain.steps=2", "--set", "mgca.steps=2", "--set", "threads=1"]
    done = subprocess.run([*command, *steps], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert load_checkpoint(tmp_path / "smoke/last.pt").step == 2
