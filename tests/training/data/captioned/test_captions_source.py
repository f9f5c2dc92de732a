"""Samples of a table: every picture once an epoch, the same ones however a run is cut up."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from runtime.errors import UserError  # noqa: E402
from tests.support.captioned import number_tokens, write_captioned  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.captioned import CaptionsSource  # noqa: E402
from training.data.captioned.table import MISSING  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.portions import UNREADABLE  # noqa: E402
from training.data.source import Span  # noqa: E402


def settings(table, **others):
    return DataConfig(captions=table, **{"size_wh": (16, 16), "workers": 0, **others})


def read(data, steps, *, start=0, batch=2, captions=1, first=0, rank=0, count=1, seed=0):
    source = CaptionsSource(data, seed, rank, count)
    span = Span(steps=steps, start=start, batch=batch, captions=captions, first_seed=first)
    return list(source.batches(span, Collate(number_tokens))), source


def seen(batches):
    return [int(number) for batch in batches for number in batch.tokens_jl[:, 0]]


def test_an_epoch_has_every_picture_once_also_among_processes(tmp_path):
    data = settings(write_captioned(tmp_path, 6))
    epochs, source = read(data, 6)
    assert sorted(seen(epochs[:3])) == sorted(seen(epochs[3:])) == list(range(6))
    assert seen(epochs[:3]) != seen(epochs[3:])
    assert source.take_tally().pairs == 12
    ranks = [seen(read(data, 3, batch=1, rank=rank, count=2)[0]) for rank in (0, 1)]
    assert sorted(ranks[0] + ranks[1]) == list(range(6))


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_resumed_run_sees_what_an_unbroken_one_would(tmp_path, workers):
    table = write_captioned(tmp_path, 5)
    whole, _ = read(settings(table, squashed=True), 4, captions=2)
    late, _ = read(settings(table, squashed=True, workers=workers), 4, start=2, captions=2)
    later_leg, _ = read(settings(table, squashed=True), 2, captions=2, first=4)
    for other in (late, later_leg):
        for one, again in zip(whole[2:], other, strict=True):
            assert torch.equal(one.images_bhw3, again.images_bhw3)
            assert torch.equal(one.tokens_jl, again.tokens_jl)
    otherwise, _ = read(settings(table, squashed=True), 4, captions=2, seed=1)
    assert not torch.equal(whole[0].images_bhw3, otherwise[0].images_bhw3)


def test_what_cannot_be_used_is_counted_and_replaced(tmp_path, capsys):
    table = write_captioned(tmp_path, 5)
    (tmp_path / "images/1.png").write_bytes(b"no picture")
    (tmp_path / "images/3.png").unlink()
    batches, source = read(settings(table), 4)
    assert set(seen(batches)) == {0, 2, 4} and len(seen(batches)) == 8
    tally = source.take_tally()
    assert tally.passed_over[MISSING] == 1 and tally.passed_over[UNREADABLE] >= 2
    said = capsys.readouterr().err
    assert said.count("1 of 5 pictures of") == 1 and said.count(UNREADABLE) == 1
    assert "images/1.png" in said


def test_no_picture_that_can_be_read(tmp_path):
    table = write_captioned(tmp_path, 2)
    for number in range(2):
        (tmp_path / f"images/{number}.png").write_bytes(b"\xff\xd8 cut")
    with pytest.raises(UserError, match="not one of its 2 pictures can be read"):
        read(settings(table), 1)
