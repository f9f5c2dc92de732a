"""One step of the optimiser."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.engine.loop import _step  # noqa: E402


@pytest.mark.parametrize(
    ("slope", "moves"), [(2.0, True), (float("nan"), False), (float("inf"), False)]
)
def test_a_gradient_that_is_not_finite_moves_nothing(slope: float, moves: bool) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    (weight * slope).sum().backward()
    norm = _step(optimizer, [weight], clip_norm=1.0)
    assert (norm == pytest.approx(2.0 * 3**0.5)) is moves
    assert torch.equal(weight, torch.ones(3)) is not moves
    assert weight.grad is None
