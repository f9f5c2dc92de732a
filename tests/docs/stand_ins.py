"""What the tests put in place of a camera, a network, a GPU and long work in documented commands.

``STAND_INS`` replaces words of a command; ``BUDGETS`` adds flags at its end (the last one given
counts) that make it short; ``LONG`` are those that stay long; ``REFUSED`` are those that this
machine must refuse, with what is said; ``NOT_RUN`` are no commands, each with the reason.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib import util


@dataclass(frozen=True)
class StandIn:
    """Words of a command line that the tests replace, and why."""

    words: str
    by: str
    why: str


STAND_INS = (
    StandIn("--camera 0", "--video drive.mp4", "no camera: a video file"),
    StandIn("--show", "", "no screen: other tests open windows"),
    StandIn("--name door=rtsp://host/stream", "--name door=frames", "no network: images"),
    StandIn("rtsp://host/stream", "drive.mp4", "no network: a video file"),
    StandIn("rtsp://user:password@host/stream", "drive.mp4", "no network: a video file"),
    StandIn("--mqtt mqtt://user:password@host:1883/home/mgca", "", "no broker"),
    StandIn("--webhook https://host/hook --webhook-every 60", "", "no server"),
    StandIn("--ros2 /mgca", "", "no ROS"),
    StandIn("127.0.0.1:8080", "127.0.0.1:0", "a port that is free"),
    StandIn("s3://bucket/recordings", "recordings", "no object store: a folder"),
    StandIn("s3://bucket/labelled", "labelled", "the same"),
    StandIn("--address auto --gpus-per-worker 0.5", "", "no cluster and no GPU: a local Ray"),
    StandIn("--nproc-per-node 8", "--nproc-per-node 2", "few cores"),
    StandIn(
        "slim --checkpoint runs/demo/last.pt",
        "slim --checkpoint runs/done/last.pt",
        "a run that has come to its end",
    ),
    StandIn(
        "--set model.pretrained=ViT-B-16.pt --set model.activation=quickgelu",
        "",
        "no such file: random weights under OpenAI's name",
    ),
    StandIn("--until 2000", "--until 1", "a step instead of many"),
    StandIn("/tmp/camvid-figures", "camvid-figures", "nothing outside the test's folder"),
    StandIn("some/folder", "camvid-figures", "the same, made beforehand"),
)
# --pretrained openai is what it is: random weights lie in Hugging Face's cache under that name.

_TRAINING = (
    "--set pretrain.batch=36 --set mgca.batch=4 --set evaluation.scenes=1 "
    "--set data.workers=0 --set data.passes=1 --until 1"
)
BUDGETS = {
    "runtime": "--max-frames 2 --backend onnxruntime-cpu",
    "runtime.archive": "--backend onnxruntime-cpu --workers 1",
    "benchmarks.archive": "--frames 100 --videos 2 --rounds 1 --piece 1s",
    "training.run": _TRAINING,
    "export": "--frames 2 --gate cosine",
    "benchmarks.accuracy": "--scenes 1 --frames 1-2 --backend onnxruntime-cpu",
    "benchmarks.few_classes": "--scenes 1 --frames 1-2 --backend onnxruntime-cpu",
    "benchmarks.latency": "--frames 2 --warmup 1 --backend onnxruntime-cpu --no-matrix-rate",
    "benchmarks.frame_time": "--frames 2 --warmup 1 --no-matrix-rate",
    "benchmarks.gpu": "--frames 2 --warmup 1 --parity-frames 1 --out gpu.md",
    "benchmarks.figures": "--out figures --scenes 8 --size 96x72",
    "benchmarks.graph_cost": "",
    "benchmarks.dense_methods": "--size 224x224 --rounds 1 --methods sc-clip",
    "benchmarks.encoders": "--clips mgca-tiny --rounds 1",
    "benchmarks.reproduce": (
        "--root . --clip mgca-tiny --pretrained random --methods maskclip --datasets voc20 "
        "--threads 1 --backend onnxruntime-cpu"
    ),
    "benchmarks.refinements": "--clip mgca-tiny --size 48x32 --rounds 1",
    "benchmarks.evaluator": "--size 64x48 --pictures 1 --rounds 1 --backend onnxruntime-cpu",
    "benchmarks.unit_counts": "--clips mgca-tiny --frames 1",
    "benchmarks.training_speed": "--steps 1 --warmup 1 --rounds 1",
    "benchmarks.overload": "--minutes 3 --minute-s 0.5 --backend onnxruntime-cpu",
    "benchmarks.training_kills": "--kills 1 --steps 2",
    "benchmarks.hostile_streams": "--cases 2 --backend onnxruntime-cpu",
    "benchmarks.isolate": "--pairs 1 --max-frames 2 --backend onnxruntime-cpu",
    "benchmarks.serve": "--seconds 0.3 --rounds 1 --viewers 2 --backend onnxruntime-cpu",
    "benchmarks.still": "--backend onnxruntime-cpu",
    "benchmarks.flicker": "--backend onnxruntime-cpu",
    "benchmarks.tracks": "--frames 9 --backend onnxruntime-cpu",
    "benchmarks.photos": "--limit 2 --backend onnxruntime-cpu",
    "benchmarks.retrieval": "--backend onnxruntime-cpu",
    "benchmarks.growth": "--quick --most 9 --only images,unit-words",
    "benchmarks.instances": "--seconds 0.05 --rounds 1 --instances 1 --threads 1 --batches 1",
    "benchmarks.hostile_bundles": "--mutants 3",
    "benchmarks.faults": "--kills 1 --signals 1 --full 1",
    "benchmarks.night": "--frames 300",
    "benchmarks.word_memory": "--words 1,128",
    "benchmarks.world_hardness": "--train-scenes 3 --scenes 2 --rounds 2",
    "benchmarks.ablation": (
        "--rows object --seeds 1 --steps 1 --batch 2 --scenes 1 --tuning-scenes 1 --size 96x72 "
        "--input-size 96x72 --camvid-every 50 --threads 1"
    ),
    "benchmarks.ablation.photographs": (
        "--rows object --seeds 1 --steps 1 --batch 2 --captions path/to/captions.tsv "
        "--photographs path/to/photographs"
    ),
    "benchmarks.mgca_steps": "--clip mgca-tiny --steps 1",
    "benchmarks.windows": "--rounds 1 --source 96x64",
    "training.data.streetworld": "--scenes 2",
    "training.checkpoints": "",
}
# A command that has these words gets other flags at its end.
SPECIAL = {
    "benchmarks.graph_cost --clip": "--size 224x224",
    "export --training-free": "--frames 1 --gate cosine --size 224x224",
    "training.data.streetworld clip": "--seconds 0.2",
    "training.checkpoints distill": "--steps 1 --batch 2",
    "training.run --config cc3m_vit_b_16": f"{_TRAINING} --set data.size_wh=[64,64]",
    "training.run --config mgca": f"{_TRAINING} --set data.size_wh=[64,64]",
    "training.run --set name=done": "--set evaluation.scenes=1 --set data.workers=0",
    "training.run --resume": f"{_TRAINING[:-1]}2",
    "--help": "",
    "runtime cache": "",
    "runtime doctor": "--seconds 0.1 --backend onnxruntime-cpu",
    "runtime words": "",
    "runtime --print-config": "",
    "runtime --backend tensorrt": "--max-frames 2",
    "benchmarks.gpu --backends": "--frames 2 --warmup 1 --parity-frames 1 --out gpu.md",
    "benchmarks.figures --only curves": "--out figures",
}
# Words of the command, the exit code, and a part of the message.
REFUSED = (
    ("--trt fp16", 1, "TensorRT"),
    ("--backend tensorrt", 2, "tensorrt"),
    ("--compare ", 2, "130 frames"),  # the budget has two
    ("--figure sizes.png", 2, "two or more of recipe-1000"),  # the budget has one row
    ("--protocol sclip", 2, "windows of 224x224"),  # the shipped bundle stands in for one of CLIP's
)
if util.find_spec("ray") is None:  # it is no part of the development set
    REFUSED += tuple((f"-m {one}.archive -", 2, '".[ray]"') for one in ("runtime", "benchmarks"))
# Programs, or commands with these words, that take long even so: `make test-commands` runs them.
LONG = (
    "training.run",
    "training.checkpoints",
    "export",
    "benchmarks.ablation",
    "benchmarks.ablation.photographs",
    "benchmarks.evaluator",
    "benchmarks.faults",
    "benchmarks.figures",
    "benchmarks.flicker",
    "benchmarks.gpu",
    "benchmarks.dense_methods",
    "benchmarks.encoders",
    "benchmarks.graph_cost",
    "benchmarks.growth",
    "benchmarks.hostile_bundles",
    "benchmarks.hostile_streams",
    "benchmarks.mgca_steps",
    "benchmarks.night",
    "benchmarks.training_kills",
    "benchmarks.refinements",
    "benchmarks.overload",
    "benchmarks.reproduce",
    "benchmarks.still",
    "benchmarks.training_speed",
    "benchmarks.unit_counts",
    "benchmarks.windows",
    "benchmarks.word_memory",
    "--dataset demo-clip",
    "--dataset shipped-clip",
)
NOT_RUN = {
    "mgca-rt --config FILE.toml": "FILE.toml stands for a file",
    "mgca-rt cache list|clear": "stands for two commands, both run",
    "mgca-rt words [PREFIX]": "stands for two commands, both run",
    "python -m export --trt": "names the flag, without its value",
    "python -m runtime.backends.tensorrt.rebuild BUNDLE": "what the runtime starts by itself",
    "python -m training.checkpoints COMMAND --help says what each takes.": "stands for five",
    "python -m training.checkpoints COMMAND": "stands for five, all run",
}


def put_in_place(words: list[str]) -> list[str]:
    """The words of a command line with the stand-ins."""
    line = f" {shlex.join(words)} "
    for one in STAND_INS:
        line = line.replace(f" {one.words} ", f" {one.by} ".replace("  ", " "))
    return shlex.split(line)


def is_long(line: str) -> bool:
    """Whether a command is left to ``make test-commands``; help is quick everywhere."""
    return "--help" not in line and any(f" {words} " in f"{line} " for words in LONG)


def budget(module: str, arguments: list[str]) -> list[str]:
    """The flags that make a command short."""
    line = " ".join([module, *arguments])
    for words, flags in SPECIAL.items():
        first, _, rest = words.partition(" ")
        if words in line or (first == module and rest and f" {rest}" in f" {' '.join(arguments)}"):
            return flags.split()
    package = module if module in BUDGETS else module.rpartition(".")[0]
    return BUDGETS[package].split()


def outcome(words: list[str]) -> tuple[int, str]:
    """The exit code that is expected, and what must stand in the messages."""
    line = " ".join(words)
    return next(((code, said) for part, code, said in REFUSED if part in line), (0, ""))
