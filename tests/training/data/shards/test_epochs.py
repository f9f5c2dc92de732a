"""What the record of a run says of epochs and of what was left out, whatever reads the shards."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("webdataset")

from tests.support.captioned import number_tokens, write_captioned  # noqa: E402
from tests.support.shards import encode_picture, numbered_pairs, write_shard  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.captioned import CaptionsSource  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.portions import UNREADABLE  # noqa: E402
from training.data.shards import ShardSource, Tally, captions, members, pairs  # noqa: E402
from training.data.source import Span  # noqa: E402

# Pairs in each shard: no number of readers divides them, as a download leaves them.
SIZES = (7, 12, 1, 10, 5)
BROKEN = (3, 20)


def write_uneven(folder, sizes=SIZES):
    """Shards of these many numbered pairs, two of them broken; returns their pattern."""
    first = 0
    for number, size in enumerate(sizes):
        broken = [one for one in BROKEN if first <= one < first + size]
        write_shard(folder / f"{number:05}.tar", numbered_pairs(size, first, broken))
        first += size
    return str(folder / f"{{00000..{len(sizes) - 1:05}}}.tar")


def read(pattern, rank, count, *, steps, batch=1, workers=0):
    """Captions in the order in which a process gets them, and what it has counted."""
    data = DataConfig(shards=pattern, size_wh=(16, 16), workers=workers)
    source = ShardSource(data, 0, rank, count)
    span = Span(steps=steps, start=0, batch=batch, captions=1, first_seed=0)
    found = [
        number
        for one in source.batches(span, Collate(number_tokens))
        for number in one.tokens_jl[:, 0].tolist()
    ]
    return found, source.take_tally()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
def test_an_epoch_has_each_usable_pair_once_over_all_processes(tmp_path, count):
    pattern = write_uneven(tmp_path)
    usable = sum(SIZES) - len(BROKEN)
    together, first_epoch = Tally(), []
    for rank in range(count):
        # Enough that the slowest process has come to the end of the first epoch.
        numbers, tally = read(pattern, rank, count, steps=2 * sum(SIZES) // count + 8)
        assert tally.pairs == len(numbers) == sum(tally.epochs.values())
        first_epoch += numbers[: tally.epochs[0]]
        together.add(tally)
    expected = [number for number in range(sum(SIZES)) if number not in BROKEN]
    assert sorted(first_epoch) == expected
    record = together.to_json()
    assert together.is_whole(0) and record["epochs"]["sizes"] == [usable]
    begun = record["epochs"]["begun"]
    assert begun == together.pairs - usable * record["epochs"]["whole"] and begun > 0
    # Broken ones come anew with each epoch: twice in a whole one.
    assert together.passed_over[UNREADABLE] >= len(BROKEN) * record["epochs"]["whole"]


def test_an_epoch_that_one_process_has_not_ended_is_not_whole(tmp_path):
    pattern = write_uneven(tmp_path)
    together = Tally()
    for rank, steps in enumerate((60, 2)):
        together.add(read(pattern, rank, 2, steps=steps)[1])
    assert together.ended[0] == 1 and not together.is_whole(0)
    assert together.to_json()["epochs"] == {"whole": 0, "sizes": [], "begun": 62}


@pytest.mark.slow  # workers are processes, each imports torch
def test_epochs_of_several_workers_are_counted_together(tmp_path):
    """Two processes of two workers, five shards, batches that span epochs."""
    pattern = write_uneven(tmp_path)
    together = Tally()
    for rank in range(2):
        together.add(read(pattern, rank, 2, steps=24, batch=3, workers=2)[1])
    record = together.to_json()
    usable = sum(SIZES) - len(BROKEN)
    assert together.parts == 4 and record["epochs"]["whole"] >= 2
    assert record["epochs"]["sizes"] == [usable]
    assert record["epochs"]["begun"] + usable * record["epochs"]["whole"] == 2 * 24 * 3


@pytest.mark.parametrize(
    ("start", "epochs"),
    [
        (0, {"whole": 2, "sizes": [5], "begun": 2}),
        (1, {"whole": 0, "sizes": [], "begun": 6}),  # from the second sample of epoch 1 on
    ],
)
def test_epochs_of_a_table_are_whole_where_they_were_seen_from_the_start(tmp_path, start, epochs):
    data = DataConfig(captions=write_captioned(tmp_path, 5), size_wh=(16, 16), workers=0)
    together = Tally()
    for rank in range(2):
        source = CaptionsSource(data, 0, rank, 2)
        span = Span(steps=2, start=start, batch=3, captions=1, first_seed=0)
        list(source.batches(span, Collate(number_tokens)))
        together.add(source.take_tally())
    assert together.to_json()["epochs"] == epochs


PICTURE = encode_picture()
GOOD = [(f"000000{n}.{ending}", content) for n in range(3)
        for ending, content in (("jpg", PICTURE), ("txt", str(n)), ("json", "{}"))]  # fmt: skip
# What a shard may have beside good pairs, and what the record calls it; None: it is used.
KINDS = {
    "broken picture": ([("9.jpg", b"\xff\xd8 half"), ("9.txt", "9")], UNREADABLE),
    "no picture at all": ([("9.jpg", b"<html>"), ("9.txt", "9")], UNREADABLE),
    "empty caption": ([("9.jpg", PICTURE), ("9.txt", "")], captions.EMPTY),
    "empty list": ([("9.jpg", PICTURE), ("9.json", '{"caption": []}')], captions.EMPTY),
    "null": ([("9.jpg", PICTURE), ("9.json", '{"caption": null}')], captions.EMPTY),
    "list of captions": ([("9.jpg", PICTURE), ("9.json", '{"caption": ["9", "9"]}')], None),
    "list in a text": ([("9.jpg", PICTURE), ("9.txt", '["9", "9"]')], None),
    "broken JSON": ([("9.jpg", PICTURE), ("9.json", '{"caption": ')], captions.UNREADABLE),
    "Latin-1": ([("9.jpg", PICTURE), ("9.txt", b"caf\xe9")], captions.UNREADABLE),
    "missing caption": ([("9.jpg", PICTURE)], pairs.NO_CAPTION),
    "missing picture": ([("9.txt", "9"), ("9.json", "{}")], pairs.NO_PICTURE),
    "key with dots": ([("img.v1.9.jpg", PICTURE), ("img.v1.9.txt", "9")], None),
    "duplicate key": ([("0000001.jpg", PICTURE), ("0000001.txt", "9")], pairs.DUPLICATE),
    "another file": ([("9.npy", b"x")], f"{pairs.OTHERS} (.npy)"),
    "a file manager's": ([("._9.jpg", b"x")], members.OF_THE_SYSTEM),
}


@pytest.mark.parametrize(("extra", "kind"), KINDS.values(), ids=KINDS.keys())
def test_each_kind_stands_in_the_record(tmp_path, extra, kind):
    shard = write_shard(tmp_path / "00000.tar", [*GOOD, *extra, ("5.jpg", PICTURE), ("5.txt", "5")])
    used = 4 if kind else 5
    # The pair behind the last of an epoch tells that it has ended.
    numbers, tally = read(shard, 0, 1, steps=used + 1)
    expected = {0, 1, 2, 5} if kind else {0, 1, 2, 5, 9}
    assert set(numbers[:used]) == expected and tally.is_whole(0)
    record = tally.to_json()
    assert record["epochs"] == {"whole": 1, "sizes": [used], "begun": 1}
    passed = record["passed_over"]
    assert set(passed) == ({kind} if kind else set()), passed


def test_an_empty_shard_among_others_is_counted(tmp_path):
    write_shard(tmp_path / "0.tar", numbered_pairs(3))
    empty = write_shard(tmp_path / "1.tar", [])
    numbers, tally = read(str(tmp_path / "{0..1}.tar"), 0, 1, steps=3)
    assert sorted(numbers) == [0, 1, 2]
    assert tally.passed_over == {pairs.EMPTY_SHARD: 1}
    assert tally.examples[pairs.EMPTY_SHARD] == empty
