"""One contrast over a batch that two processes share, or that one computes in portions."""

from __future__ import annotations

import os
import sys

import pytest

torch = pytest.importorskip("torch")

from tests.support import shared_batch  # noqa: E402
from tests.support.processes import run_with_children  # noqa: E402
from training.engine.distributed import Processes  # noqa: E402
from training.losses.portions import Portions  # noqa: E402
from training.losses.words import RememberedTexts  # noqa: E402

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def assert_same(found, expected):
    (losses, gradients), (true_losses, true_gradients) = found, expected
    assert losses == pytest.approx(true_losses, rel=1e-4, abs=1e-6)
    assert gradients.keys() == true_gradients.keys()
    largest = max(float(one.abs().max()) for one in true_gradients.values())
    assert largest > 0
    for name, one in true_gradients.items():
        scale = max(float(one.abs().max()), 1e-3 * largest)
        assert float((gradients[name] - one).abs().max()) < 1e-4 * scale, name


@pytest.mark.slow
def test_two_processes_compute_what_one_does(tmp_path, repository):
    out = tmp_path / "found.pt"
    asked = ["captions:1", "both:2", "clip:1"]
    command = [*TORCHRUN, "-m", "tests.support.shared_batch", out, *asked]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = run_with_children(command, cwd=repository, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    for kind, found in torch.load(out).items():
        assert_same(found, shared_batch.gradient(kind, 1, Processes("cpu")))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nouns", "clip"])
def test_portions_compute_what_the_whole_batch_does(kind):
    alone = Processes("cpu")
    expected = shared_batch.gradient(kind, 1, alone)
    assert {"object", "region", "pixel", "cover", "area"} <= expected[0].keys() or kind == "clip"
    assert_same(shared_batch.gradient(kind, 4, alone), expected)


def test_rows_of_portions_are_put_in_the_order_of_the_texts():
    # Captions of images 0 to 3, then nouns of images 0, 2 and 3; portions of one and three images.
    owner = torch.tensor([0, 1, 2, 3, 0, 2, 3])
    portions = Portions(counts=(1, 3))
    rows = torch.cat([portions.place(owner, own).rows_j for own in (0, 1)])
    assert rows.tolist() == [0, 4, 1, 2, 3, 5, 6]
    assert rows[portions.order(owner)].tolist() == list(range(7))


@pytest.mark.long  # the compiler takes a minute
@shared_batch.exact_sums()
def test_compiled_steps_are_the_same(tmp_path, monkeypatch):
    import contextlib

    from training.engine.compiling import compile_model
    from training.engine.portions import backward_whole

    # A compiler that was killed leaves half a library in the common cache, which torch then loads.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    found = []
    for compiled in (False, True):
        objective = shared_batch.objective_of("captions")
        if compiled:
            compile_model(objective.model)
        batch = shared_batch.whole_batch(objective.model.clip)
        losses = backward_whole(objective, batch, contextlib.nullcontext())
        found.append(
            (
                {name: float(value.detach()) for name, value in losses.items()},
                {n: one.grad for n, one in objective.named_parameters() if one.grad is not None},
            )
        )
    assert_same(found[1], found[0])


@pytest.mark.slow
def test_a_second_look_draws_what_the_first_one_drew(monkeypatch):
    """With dropout in the decoder the gradient is that of the losses that were compared."""
    drawn = []

    def note(_module, _inputs, out):
        kept = torch.nn.functional.dropout(out, 0.5)
        drawn.append(kept.detach() != 0)
        return kept

    make = shared_batch.objective_of

    def noted(kind):
        objective = make(kind)
        objective.model.decoder.stage2.mix.register_forward_hook(note)
        return objective

    monkeypatch.setattr(shared_batch, "objective_of", noted)
    shared_batch.gradient("captions", 2, Processes("cpu"))
    areas, first, second = drawn[:2], drawn[2:4], drawn[4:]
    assert len(drawn) == 6 and not torch.equal(first[0], first[1])
    assert all(
        torch.equal(a, b) and torch.equal(a, c)
        for a, b, c in zip(areas, first, second, strict=True)
    )


def test_texts_are_read_once_and_the_oldest_forgotten():
    asked = []

    def read(tokens):
        asked.append(tokens[:, 0].tolist())
        return tokens.float() * 10

    remembered = RememberedTexts(read, 2)
    rows = torch.arange(4).unsqueeze(1)
    assert remembered(rows[[0, 1, 0]]).flatten().tolist() == [0, 10, 0]
    assert remembered(rows[[1, 2]]).flatten().tolist() == [10, 20]
    assert remembered(rows[[0, 2]]).flatten().tolist() == [0, 20]
    assert [sorted(set(one)) for one in asked] == [[0, 1], [2], [0]]
    assert RememberedTexts(read, 0)(rows[[3]]).tolist() == [[30]]
