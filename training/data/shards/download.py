"""What a download says of itself: the ``_stats.json`` that img2dataset writes beside each shard.

Addresses that gave no picture are in no shard, so that no reader could count them. img2dataset
(1.4x: https://github.com/rom1504/img2dataset) counts them by shard and cause, and writes that file
last: a shard without one, among others that have theirs, is of a download that was broken off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from training.data.shards.find import is_local

ADDRESSES, PICTURES = "count", "successes"
FAILED = ("failed_to_download", "failed_to_resize")


@dataclass(frozen=True)
class Download:
    """Counts of all shards whose download is on record.

    Attributes:
        shards: how many those are.
        unfinished: local shards without a record, or with one that cannot be read.
        addresses: how many were asked.
        pictures: how many gave a picture.
        failed_to_download: how many gave nothing.
        failed_to_resize: how many gave what is no picture, or what was refused.
    """

    shards: int
    unfinished: int
    addresses: int
    pictures: int
    failed_to_download: int
    failed_to_resize: int

    def describe(self) -> str:
        """One line for people."""
        share = 100 * self.pictures / self.addresses if self.addresses else 0.0
        line = (
            f"of {self.addresses} addresses {self.pictures} gave a picture ({share:.1f} %) when "
            f"these shards were written; {self.failed_to_download} failed to download, "
            f"{self.failed_to_resize} to be read"
        )
        if self.unfinished:
            line += (
                f"; {self.unfinished} shards have no _stats.json: their download was not finished"
            )
        return line

    def to_json(self) -> dict[str, int]:
        """As it stands in a run's record."""
        return {
            "addresses": self.addresses,
            **{name: getattr(self, name) for name in FAILED},
            "unfinished_shards": self.unfinished,
        }


def stats_path(shard: str) -> Path:
    """Where the record of a local shard lies: ``00000_stats.json`` of ``00000.tar``."""
    path = Path(shard)
    return path.with_name(f"{path.name.split('.tar')[0]}_stats.json")


def read_download(shards: Sequence[str]) -> Download | None:
    """What the records beside local shards say; None: there are none.

    Args:
        shards: paths or addresses; addresses are left out.
    """
    local = [shard for shard in shards if is_local(shard)]
    paths = tqdm(local, desc="reading _stats.json", delay=2, disable=None)
    records = [record for shard in paths if (record := _read_stats(stats_path(shard)))]
    if not records:
        return None
    sums = {name: sum(record[name] for record in records) for name in records[0]}
    return Download(
        shards=len(records),
        unfinished=len(local) - len(records),
        addresses=sums[ADDRESSES],
        pictures=sums[PICTURES],
        failed_to_download=sums[FAILED[0]],
        failed_to_resize=sums[FAILED[1]],
    )


def _read_stats(path: Path) -> dict[str, int] | None:
    try:
        found = json.loads(path.read_bytes())
        return {name: int(found[name]) for name in (ADDRESSES, PICTURES, *FAILED)}
    except (OSError, ValueError, KeyError, TypeError):
        return None
