"""Shards that img2dataset itself wrote: what is read of them, and what their record says."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("webdataset")

from tests.support.img2dataset_shards import write_shards  # noqa: E402
from training.data.batches import Collate  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.shards import ShardSource, captions, find_shards, pairs  # noqa: E402
from training.data.shards.download import read_download  # noqa: E402
from training.data.source import Span  # noqa: E402

# tests/support/img2dataset_shards.py has the command that wrote them.
WRITTEN = Path(__file__).parent / "written_by_img2dataset"
PATTERN = "{00000..00002}.tar"
PROGRAM = os.environ.get("MGCA_IMG2DATASET") or shutil.which("img2dataset")
CAPTIONS = {
    'two words, "quoted"\\and a backslash',
    "ein grünes Haus – a café",
    "a car",
    "a bus",
}


def read_epoch(folder):
    """Captions of an epoch, and the run's record of it."""
    source = ShardSource(DataConfig(shards=str(folder / PATTERN), size_wh=(16, 16), workers=0), 0)
    heard: list[str] = []

    def tokenize(texts):
        heard.extend(texts)
        return torch.zeros(len(texts), 1, dtype=torch.int64)

    span = Span(steps=4, start=0, batch=1, captions=2, first_seed=0)
    assert len(list(source.batches(span, Collate(tokenize)))) == 4
    return set(heard), source.take_tally().to_json()


def check(folder):
    heard, record = read_epoch(folder)
    assert heard == CAPTIONS
    # A second epoch has begun, as far as its shards are read ahead.
    assert record["epochs"] == {"whole": 1, "sizes": [3], "begun": 1}
    assert record["passed_over"] == {captions.EMPTY: 2, pairs.EMPTY_SHARD: 2}
    assert record["lost"] == {
        "addresses": 12,
        "failed_to_download": 6,
        "failed_to_resize": 2,
        "unfinished_shards": 0,
    }


def test_shards_as_they_were_written(capsys):
    check(WRITTEN)
    assert "of 12 addresses 4 gave a picture (33.3 %)" in capsys.readouterr().err


def test_records_are_added_up_and_missing_ones_told(tmp_path):
    for path in WRITTEN.glob("*"):
        shutil.copy(path, tmp_path)
    shards = find_shards(str(tmp_path / PATTERN))
    (tmp_path / "00001_stats.json").unlink()
    (tmp_path / "00002_stats.json").write_text('{"count": ')
    download = read_download(shards)
    assert download and (download.shards, download.unfinished, download.addresses) == (1, 2, 4)
    assert "2 shards have no _stats.json" in download.describe()
    (tmp_path / "00000_stats.json").unlink()
    assert read_download(shards) is None
    assert read_download(["https://host/00000.tar", "pipe:cat 00000.tar"]) is None


def test_what_img2dataset_puts_beside_shards_is_what_is_read():
    stats = json.loads((WRITTEN / "00000_stats.json").read_text())
    assert {"count", "successes", "failed_to_download", "failed_to_resize"} <= set(stats)
    assert {path.suffix for path in WRITTEN.iterdir()} == {".tar", ".json", ".parquet"}


@pytest.mark.long
@pytest.mark.skipif(PROGRAM is None, reason="no img2dataset; MGCA_IMG2DATASET names one")
def test_img2dataset_writes_them_now_from_a_server_on_this_machine(tmp_path):
    assert PROGRAM is not None
    done = write_shards(PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    check(tmp_path)
