"""A short fixed-seed training against its stored loss curve: a change of the mathematics is seen.

The curve was written by this file itself (``python tests/training/test_golden_run.py``;
``--show`` prints one instead). Only a change that is *meant* to alter training may write it again,
and says so in its commit.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from training.config.optimiser import PhaseConfig  # noqa: E402
from training.config.run import PretrainConfig  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.generated import streetworld_batches  # noqa: E402
from training.data.nouns import NounFinder  # noqa: E402
from training.data.streetworld import CLASS_NAMES  # noqa: E402
from training.engine.loop import PhaseState, run_phase  # noqa: E402
from training.engine.trackers import Tracker  # noqa: E402
from training.losses.config import LossConfig  # noqa: E402
from training.losses.objective import MgcaObjective  # noqa: E402
from training.model.clip import load_clip, tokenizer_for  # noqa: E402
from training.model.mgca import MgcaModel, ModelConfig  # noqa: E402
from training.model.one_thread import one_thread  # noqa: E402
from training.pretrain.objective import ClipObjective  # noqa: E402

CURVE = Path(__file__).parent / "golden_losses.json"
# In float64 other instruction sets differ by 1e-14; in float32 by 4e-3, as much as a change of the
# mathematics, for a sample that is drawn where two are nearly alike becomes the other. The rest is
# room for other versions of the libraries.
TOLERANCE = 1e-6
STEPS = 6
# Random towers find all captions alike: every pair has to count as a negative here.
LOSSES = LossConfig(same_cosine=1.1, clip_margin=None)


@contextlib.contextmanager
def exact_sums():
    """One thread, and float64 wherever training computes in float32, what it casts included."""
    dtype, single = torch.get_default_dtype(), torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double
    try:
        with one_thread():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.Tensor.float = single


@exact_sums()
def train(losses: LossConfig = LOSSES, match_sharpness: float = 8.0) -> dict[str, list[float]]:
    """Losses of a few steps of both phases: {"pretrain.loss": [...], ...}."""
    torch.manual_seed(0)
    model = MgcaModel(load_clip("mgca-tiny"), ModelConfig())
    nouns = NounFinder({name: name for name in CLASS_NAMES})
    collate = Collate(tokenizer_for(model.clip), nouns, ("a photo of a {}", "a {}"))
    curve: dict[str, list[float]] = {}

    def run(name: str, objective: torch.nn.Module, phase: PhaseConfig, first_seed: int) -> None:
        def note(_module: object, _inputs: object, out: dict[str, torch.Tensor]) -> None:
            for key in out.keys() - {"accuracy"}:  # a count: it jumps
                curve.setdefault(f"{name}.{key}", []).append(float(out[key].detach()))

        objective.register_forward_hook(note)
        batches = streetworld_batches(
            first_seed=first_seed,
            steps=phase.steps,
            start_step=0,
            batch=phase.batch,
            captions=phase.captions,
            size_wh=(128, 96),
            seed=0,
            collate=collate,
            workers=0,
        )
        run_phase(
            name=name,
            objective=objective,
            config=phase,
            batches=batches,
            state=PhaseState(),
            tracker=Tracker(),
            on_step=lambda state: None,
            device=torch.device("cpu"),
            precision="fp32",
        )

    phase = PhaseConfig(steps=STEPS, batch=8, captions=2, warmup=2, learning_rate=5e-4)
    model.clip.requires_grad_(True)
    model.clip.train()
    run(
        "pretrain",
        ClipObjective(
            model.clip, PretrainConfig(match_sharpness=match_sharpness, caption_weight=1.0)
        ),
        phase,
        0,
    )
    model.clip.requires_grad_(False)
    torch.manual_seed(1)
    # The gates begin open a little, so that every term reaches the decoder from the first step on.
    torch.nn.init.constant_(model.decoder.stage2.gate, 0.1)
    objective = MgcaObjective(model.train(), losses, 2)
    run("mgca", objective, dataclasses.replace(phase, batch=6), 1000)
    return curve


def largest_difference(curve: dict[str, list[float]], golden: dict[str, list[float]]) -> float:
    """Largest difference, relative to each term's mean size."""
    assert set(curve) == set(golden)
    worst = 0.0
    for key, expected in golden.items():
        size = max(1e-2, sum(map(abs, expected)) / len(expected))
        found = zip(curve[key], expected, strict=True)
        worst = max(worst, max(abs(a - b) for a, b in found) / size)
    return worst


@pytest.mark.slow
def test_losses_follow_the_stored_curve():
    assert largest_difference(train(), json.loads(CURVE.read_text())) < TOLERANCE


@pytest.mark.slow
def test_other_instruction_sets_follow_it_too():
    """As on a processor older than AVX, as far as the libraries can be told to act so."""
    older = {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    }
    shown = subprocess.run(
        [sys.executable, __file__, "--show"],
        env={**os.environ, **older},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert largest_difference(json.loads(shown.stdout), json.loads(CURVE.read_text())) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"losses": dataclasses.replace(LOSSES, logit_scale=20.02)},
        {"losses": dataclasses.replace(LOSSES, hard_strength=0.303)},
        {"losses": dataclasses.replace(LOSSES, region_negatives=46)},
        {"match_sharpness": 8.008},
    ],
    ids=["logit scale", "hard sampling", "regions", "match"],
)
def test_a_small_change_of_the_mathematics_is_seen(change):
    assert largest_difference(train(**change), json.loads(CURVE.read_text())) > TOLERANCE


if __name__ == "__main__":
    found = json.dumps(
        {key: [float(f"{v:.12g}") for v in values] for key, values in sorted(train().items())},
        indent=1,
    )
    if "--show" in sys.argv:
        print(found)
    else:
        CURVE.write_text(found + "\n")
