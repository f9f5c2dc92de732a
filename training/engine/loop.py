"""The training loop, once for both phases: readable in one sitting.

A phase is an objective (a module from a batch to named losses), a stream of batches and a
PhaseConfig. Everything that a phase keeps between two steps is in :class:`PhaseState`, which is
what a checkpoint stores.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from runtime.errors import MgcaError
from training.config.optimiser import PhaseConfig
from training.data.batches import Batch
from training.engine.portions import Backward, backward_whole
from training.engine.precision import autocast_on
from training.engine.trackers import Tracker

# Gates start at zero and scale everything behind them: at the common rate they open over
# thousands of steps, and until then the residual hardly learns.
GATE_RATE = 10.0
# Steps between two lines of losses.
LOSSES_EVERY = 10


class Stopped(Exception):
    """The step at which the run was to stop has been done."""


@dataclass
class PhaseState:
    """What a phase has come to."""

    step: int = 0
    optimizer: dict[str, Any] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)


def learning_rate_at(step: int, config: PhaseConfig) -> float:
    """Linear warm-up, then a cosine to a hundredth of the peak."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def build_optimizer(objective: nn.Module, config: PhaseConfig) -> torch.optim.AdamW:
    """AdamW; matrices decay, vectors, gates and embedding tables do not; gates learn faster.

    Every group has a ``rate``, by which the schedule's learning rate is multiplied.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    gates: list[nn.Parameter] = []
    for name, parameter in objective.named_parameters():
        if not parameter.requires_grad:
            continue
        matrix = parameter.squeeze().ndim >= 2 and "embedding" not in name
        (gates if name.endswith("gate") else decayed if matrix else kept).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay, "rate": 1.0},
        {"params": kept, "weight_decay": 0.0, "rate": 1.0},
        {"params": gates, "weight_decay": 0.0, "rate": GATE_RATE},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)


def run_phase(
    *,
    name: str,
    objective: nn.Module,
    config: PhaseConfig,
    batches: Iterable[Batch],
    state: PhaseState,
    tracker: Tracker,
    on_step: Callable[[PhaseState], None],
    device: torch.device,
    precision: str,
    backward: Backward = backward_whole,
) -> PhaseState:
    """Optimise until ``config.steps``.

    Args:
        name: of the phase, for the trackers.
        objective: from a batch to named losses, ``loss`` among them; may be a DDP wrapper.
        config: length, batch, rates.
        batches: from ``state.step`` on.
        state: where to start; updated in place.
        tracker: is told of every step, and of the losses every :data:`LOSSES_EVERY` steps.
        on_step: called after every step with the state; saves and evaluates.
        device: where the objective lives.
        precision: of forward passes, ``bf16`` (where the device computes in it) or ``fp32``.
        backward: gives a batch's losses and leaves gradients; see training.engine.portions.

    Returns:
        The state at the end.

    Raises:
        MgcaError: a loss that is not finite.
    """
    parameters = [p for p in objective.parameters() if p.requires_grad]
    optimizer = build_optimizer(objective, config)
    if state.optimizer is not None:
        optimizer.load_state_dict(state.optimizer)
    autocast = autocast_on(device, precision)
    tracker.begin(name, state.step, config.steps)
    clock, clocked = time.perf_counter(), state.step
    try:
        for batch in batches:
            _set_rate(optimizer, learning_rate_at(state.step, config))
            losses = backward(objective, batch.to(device), autocast)
            _refuse_not_finite(name, state.step + 1, losses, batch.keys)
            norm = _step(optimizer, parameters, config.clip_norm)
            if not math.isfinite(norm):
                tqdm.write(f"{name} step {state.step}: gradient is not finite; step left out")
            state.step += 1
            state.optimizer = optimizer.state_dict()
            tracker.advance()
            if state.step % LOSSES_EVERY == 0 or state.step == config.steps:
                rate = config.batch * (state.step - clocked) / (time.perf_counter() - clock)
                clock, clocked = time.perf_counter(), state.step
                figures = _figures(losses, norm, rate)
                tracker.write({"phase": name, "step": state.step, **figures})
            on_step(state)
    finally:
        tracker.end()
    return state


def _set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["rate"]


def _figures(losses: dict[str, Tensor], norm: float, images_s: float) -> dict[str, float]:
    values = {key: round(float(value.detach()), 5) for key, value in losses.items()}
    return {**values, "gradient_norm": round(norm, 4), "images_s": round(images_s, 1)}


def _refuse_not_finite(
    name: str, step: int, losses: dict[str, Tensor], keys: Sequence[str]
) -> None:
    """Stop where the loss is not finite: training on would hide which samples did that.

    Args:
        name: of the phase.
        step: the one that is being taken, counted from 1.
        losses: its terms, ``loss`` among them.
        keys: of its samples.

    Raises:
        MgcaError: it is not.
    """
    if math.isfinite(float(losses["loss"].detach())):
        return
    values = {term: float(value.detach()) for term, value in losses.items()}
    wrong = ", ".join(f"{term} {one}" for term, one in values.items() if not math.isfinite(one))
    samples = ", ".join(keys) or "without names"
    raise MgcaError(
        f"{name} step {step}: the loss is not finite ({wrong}); expected numbers; the weights are "
        f"those of step {step - 1}: go on with --resume and a lower learning rate, or leave out "
        f"what is wrong among its {len(keys)} samples: {samples}"
    )


def _step(
    optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], clip_norm: float
) -> float:
    """Take a step, unless the gradient is not finite: that would destroy the weights for good.

    Returns:
        The gradient's norm, before it was scaled down to ``clip_norm``.
    """
    norm = float(nn.utils.clip_grad_norm_(parameters, clip_norm))
    if math.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm
