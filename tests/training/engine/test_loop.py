"""One step of the optimiser, and what stops a phase."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import MgcaError  # noqa: E402
from training.config.optimiser import PhaseConfig  # noqa: E402
from training.data.batches import Batch  # noqa: E402
from training.engine.loop import PhaseState, _step, run_phase  # noqa: E402
from training.engine.trackers import Tracker  # noqa: E402


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


class Toy(torch.nn.Module):
    """A loss that is the mean of its images, whatever that is."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        caption = self.weight.sum() * batch.images_bhw3.float().mean()
        return {"caption": caption, "noun": self.weight.sum(), "loss": caption}


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_stops_with_step_and_samples(odd: float) -> None:
    def batch(value: float, *keys: str) -> Batch:
        images = torch.full((2, 1, 1, 3), value)
        return Batch(images, torch.zeros(2, 1), torch.arange(2), keys=keys)

    objective, state = Toy(), PhaseState()
    batches = [batch(1.0, "a.jpg", "b.jpg"), batch(odd, "c.jpg", "d.jpg"), batch(1.0, "e.jpg")]
    with pytest.raises(MgcaError) as caught:
        run_phase(
            name="pretrain",
            objective=objective,
            config=PhaseConfig(steps=3, batch=2),
            batches=batches,
            state=state,
            tracker=Tracker(),
            on_step=lambda _: None,
            device=torch.device("cpu"),
            precision="fp32",
        )
    said = str(caught.value)
    assert "pretrain step 2: the loss is not finite (caption " in said and "noun" not in said
    assert "2 samples: c.jpg, d.jpg" in said and "a.jpg" not in said and "\n" not in said
    assert state.step == 1 and bool(torch.isfinite(objective.weight).all())
