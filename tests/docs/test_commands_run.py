"""Every documented command is run, in a folder that has the files it names.

What stands in for cameras, networks, GPUs and long work: :mod:`tests.docs.stand_ins`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.docs.stand_ins import NOT_RUN, STAND_INS, budget, is_long, outcome, put_in_place
from tests.support.clips import write_clip
from tests.support.documented import REPOSITORY, in_blocks, in_prose, in_sources, split
from tests.support.image_folder import write_images
from tests.support.official_layouts import write_voc
from tests.support.photo_folder import write_photo_folder
from tests.support.processes import LIMIT_S, command_environment
from tests.support.random_checkpoint import save_random_checkpoint
from tests.support.shards import encode_picture, write_shard

SHIPPED = REPOSITORY / "training" / "assets" / "demo.pt"
PICTURES = 4
# runs/demo, which other commands go on from, and a run to its end.
RUNS = (
    "python -m training.run",
    "python -m training.run --config smoke --set name=done --set pretrain.steps=1 "
    "--set mgca.steps=1 --set pretrain.warmup=0 --set mgca.warmup=0",
)
TEXTS = sorted(
    {
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "docs" / "reference").glob("*.md"),
        REPOSITORY / "benchmarks" / "results" / "README.md",
    }
)


def _documented() -> list[str]:
    """Each command once; what only names a program, without an argument, is none."""
    whole, named = in_sources()
    for path in TEXTS:
        if path.name != "provenance.md":  # of how it was
            text = path.read_text(encoding="utf-8")
            whole.update(in_blocks(text))
            named.update(in_prose(text))
    found = {shlex.join(split(line)) for line in whole - set(NOT_RUN)}
    flagged = {line for line in named - set(NOT_RUN) if " -" in line.replace(" -m ", " ")}
    return sorted(found | {shlex.join(split(line)) for line in flagged})


COMMANDS = _documented()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the texts take for granted."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("documented")
    write_clip(folder / "drive.mp4", 4)
    for name in ("frames", "my_frames", "camvid-figures", "benchmarks/results"):
        (folder / name).mkdir(parents=True)
    write_images(folder / "frames", PICTURES)
    write_images(folder / "my_frames", PICTURES)
    (folder / "recordings").mkdir()
    write_clip(folder / "recordings" / "drive.mp4", 4)
    (folder / "street.txt").write_text("person\ncar\nroad\n", encoding="utf-8")
    (folder / "my_words.txt").write_text("sky\nroad\ncar\n", encoding="utf-8")
    for name in ("street.toml", "site.toml"):
        (folder / name).write_text(
            '[sources]\nvideo = "drive.mp4"\n[words]\nclasses = "person,car"\n', encoding="utf-8"
        )
    for name in ("mine", "mine-fp16", "b16-fp16", "windows", "slide"):
        shipped = REPOSITORY / "runtime" / "assets" / "demo_bundle"
        shutil.copytree(shipped, folder / "bundles" / name)
    for name in ("a", "o", "or", "orp", "other"):
        (folder / "runs" / name).mkdir(parents=True)
        shutil.copy(SHIPPED, folder / "runs" / name / "last.pt")
    for name in ("a.pt", "b.pt", "c.pt", "training/assets/demo.pt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED, folder / name)
    (folder / "runs" / "plain").mkdir()
    save_random_checkpoint(folder / "runs" / "plain" / "last.pt")
    _write_camvid(folder / "path/to/camvid_val")
    write_voc(folder, {"a": [0, 1], "b": [2]})
    photographs = write_photo_folder(folder / "path/to/photographs")
    (folder / "path/to/captions.tsv").write_text(
        "image\tsplit\tcaption\n"
        f"{photographs.name}/images/0.png\tdev\ta red car\n"
        f"{photographs.name}/images/1.png\tdev\ta green tree\n"
        f"{photographs.name}/images/0.png\ttrain\ta red car\n"
        f"{photographs.name}/images/1.png\ttrain\ta green tree\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def trained_world(world: Path) -> Path:
    """The same with shards, OpenAI's weights and runs of training."""
    folder = world
    _write_pairs(folder)
    _write_openai_weights(folder / "hf")
    for line in RUNS:
        done = _run(folder, line.split())
        assert done.returncode == 0, done.stderr
    shutil.copy(folder / "runs/demo/last.pt", folder / "runs/demo/earlier.pt")
    for name in ("demo", "other"):  # a run of one step has no curve
        lines = [
            f'{{"phase": "pretrain", "step": {step}, "loss": {9 - step}}}\n' for step in (1, 2)
        ]
        (folder / "runs" / name / "metrics.jsonl").write_text("".join(lines))
    return folder


def _write_camvid(folder: Path) -> None:
    """Two frames in CamVid's layout; the real ones are research data."""
    for name in ("frames", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(101):
        labels = np.full((36, 48), number % 11, np.uint8)
        cv2.imwrite(str(folder / "labels" / f"{number:03d}.png"), labels)
        picture = np.full((36, 48, 3), number, np.uint8)
        cv2.imwrite(str(folder / "frames" / f"{number:03d}.jpg"), picture)


def _write_pairs(folder: Path) -> None:
    """The 332 shards that the examples name, a pair each; CC3M's as img2dataset numbers them."""
    for parent, digits in (("pairs", 3), ("cc3m", 5)):
        (folder / parent).mkdir()
        for number in range(332):
            members = [("0.jpg", encode_picture(number % 256)), ("0.txt", "a red car on a road")]
            write_shard(folder / parent / f"{number:0{digits}d}.tar", members)


def _write_openai_weights(folder: Path) -> None:
    """Random numbers where Hugging Face's cache has ViT-B-16's weights of OpenAI."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None).state_dict()
    hub = open_clip.get_pretrained_cfg("ViT-B-16", "openai")["hf_hub"].strip("/")
    place, commit = folder / "hub" / f"models--{hub.replace('/', '--')}", "0" * 40
    snapshot = place / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    tensors = {name: value.contiguous() for name, value in state.items()}
    save_file(tensors, str(snapshot / "open_clip_model.safetensors"))


def _run(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the texts there, with the stand-ins and within its budget."""
    words = put_in_place(words)
    if words[0] == "mgca-rt":
        words = ["python", "-m", "runtime", *words[1:]]
    at = words.index("-m") + 1
    words = [*words, *budget(words[at], words[at + 1 :])]
    program = [sys.executable] if words[0] == "python" else _torchrun()
    environment = {
        **command_environment(),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "MGCA_CACHE": str(folder / "cache"),
        "CAMVID_ROOT": str(folder / "path/to/camvid_val"),
    }
    return subprocess.run(
        [*program, *words[1:]], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip


def _torchrun() -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run"]


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 80
    assert {"mgca-rt", "mgca-rt words car", "mgca-rt cache clear"} <= set(COMMANDS)


def test_the_tables_have_nothing_idle() -> None:
    """Each stand-in stands in for something, each reason is one of a text that is there."""
    whole, named = in_sources()
    texts = [path.read_text(encoding="utf-8") for path in TEXTS]
    for text in texts:
        whole.update(in_blocks(text))
        named.update(in_prose(text))
    assert set(NOT_RUN) <= whole | named
    for one in STAND_INS:
        assert any(f" {one.words} " in f" {' '.join(split(line))} " for line in whole), one


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in COMMANDS if not is_long(line)])
def test_it_runs(world: Path, line: str) -> None:
    _check(world, line)


@pytest.mark.long
@pytest.mark.parametrize("line", [line for line in COMMANDS if is_long(line)])
def test_it_runs_too(trained_world: Path, line: str) -> None:
    world = trained_world
    shutil.copy(world / "runs/demo/earlier.pt", world / "runs/demo/last.pt")  # before it went on
    _check(world, line)


def _check(world: Path, line: str) -> None:
    words = split(line)
    code, message = outcome(words)
    shutil.rmtree(world / "labels", ignore_errors=True)  # of another class list: refused
    done = _run(world, words)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr


@pytest.mark.slow
def test_the_python_example_of_the_readme(world: Path) -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    code = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert code is not None
    before = "import cv2; frame_bgr = cv2.imread('frames/0.png')\n"
    after = "\nassert result.labels.shape == frame_bgr.shape[:2] == overlay.shape[:2]"
    done = subprocess.run(
        [sys.executable, "-c", before + code[1] + after], cwd=world, env=command_environment(),
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_written_into_the_checkout() -> None:
    """The budgets of what writes beside its source by default name another place."""
    assert "--out gpu.md" in " ".join(budget("benchmarks.gpu", []))
    assert "--out figures" in " ".join(budget("benchmarks.figures", ["--only", "curves"]))
    assert os.environ.get("HF_HUB_OFFLINE") == "1"
