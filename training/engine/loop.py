"""The training loop, once for both phases: readable in one sitting.

A phase is an objective (a module from a batch to named losses), a stream of batches and a
PhaseConfig. Everything that a phase keeps between two steps is in :class:`PhaseState`, which is
what a checkpoint stores.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.config.schema import PhaseConfig
from training.data.batches import Batch
from training.engine.precision import autocast_on


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


# Gates start at zero and scale everything behind them: at the common rate they open over
# thousands of steps, and until then the residual hardly learns.
GATE_RATE = 10.0


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


class MetricsLog:
    """``metrics.jsonl``: a line a measurement, so that a curve can be drawn while the run goes
    on.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(self, **values: Any) -> None:
        """Append one line."""
        if self.path is None:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(values) + "\n")


def run_phase(
    *,
    name: str,
    objective: nn.Module,
    config: PhaseConfig,
    batches: Iterator[Batch],
    state: PhaseState,
    log: MetricsLog,
    on_step: Callable[[PhaseState], None],
    device: torch.device,
    precision: str,
    show_progress: bool,
) -> PhaseState:
    """Optimise until ``config.steps``.

    Args:
        name: of the phase, for the bar and the log.
        objective: called with a batch, gives named losses with ``loss`` among them. May be a DDP
            wrapper.
        config: length, batch, rates.
        batches: from ``state.step`` on.
        state: where to start; updated in place.
        log: receives losses every 10 steps.
        on_step: called after every step with the state; saves and evaluates.
        device: where the objective lives.
        precision: of forward passes: ``bf16`` (autocast, where the device computes in it) or
            ``fp32``.
        show_progress: draw a bar on stderr.

    Returns:
        The state at the end.
    """
    parameters = [p for p in objective.parameters() if p.requires_grad]
    optimizer = build_optimizer(objective, config)
    if state.optimizer is not None:
        optimizer.load_state_dict(state.optimizer)
    autocast = autocast_on(device, precision)
    bar = tqdm(
        total=config.steps, initial=state.step, desc=name, unit="step", disable=not show_progress
    )
    clock = time.perf_counter()
    for batch in batches:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(state.step, config) * group["rate"]
        with autocast:
            losses: dict[str, Tensor] = objective(batch.to(device))
        losses["loss"].backward()
        norm = nn.utils.clip_grad_norm_(parameters, config.clip_norm)
        # A step of non-finite gradients would destroy the weights for good: leave it out and say
        # so.
        if torch.isfinite(norm):
            optimizer.step()
        else:
            tqdm.write(f"{name} step {state.step}: gradient is not finite; step left out")
        optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.optimizer = optimizer.state_dict()
        if state.step % 10 == 0 or state.step == config.steps:
            values = {key: round(float(value.detach()), 5) for key, value in losses.items()}
            seconds = time.perf_counter() - clock
            rate = config.batch * (state.step % 10 or 10) / seconds
            clock = time.perf_counter()
            log.write(
                phase=name,
                step=state.step,
                **values,
                gradient_norm=round(float(norm), 4),
                images_s=round(rate, 1),
            )
            bar.set_postfix_str(f"loss {values['loss']:.3f}, {rate:.0f} images/s")
        bar.update()
        on_step(state)
    bar.close()
    return state
