"""Which shards a pattern stands for, and whether they can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm
from webdataset.shardlists import expand_urls

from runtime.errors import UserError
from training.data.pictures import read_picture
from training.data.shards.pairs import EMPTY_SHARD, read_pairs
from training.data.tally import Tally


def is_local(shard: str) -> bool:
    """Whether a shard is a file of this machine."""
    return "://" not in shard and not shard.startswith("pipe:")


def find_shards(pattern: str) -> list[str]:
    """Expand braces and check that all local shards are there.

    Raises:
        UserError: no shard, or a local one that is missing.
    """
    shards = list(expand_urls(pattern))
    for shard in shards or [pattern]:
        if is_local(shard) and not Path(shard).is_file():
            raise UserError(
                f"shard '{shard}' of --train-data does not exist; expected tar files such as "
                f"'cc3m/{{00000..00331}}.tar'"
            )
    return shards


def check_shards(shards: Sequence[str]) -> None:
    """See that each local shard is a tar file that begins with something to train on.

    A shard is read as far as its first usable pair. Empty ones may stand among others.

    Raises:
        UserError: it is none, or has no usable pair; all are empty.
    """
    local = [shard for shard in shards if is_local(shard)]
    empty = [
        shard
        for shard in tqdm(local, desc="looking into shards", delay=2, disable=None)
        if not _has_files(shard)
    ]
    if local and len(empty) == len(shards):
        raise UserError(
            f"--train-data: none of its {len(shards)} shards holds a file, such as '{empty[0]}'; "
            "expected tar files of pictures with captions; see what the program that wrote them "
            "says (img2dataset: the _stats.json beside each)"
        )


def _has_files(shard: str) -> bool:
    """False: an empty archive; raises ``UserError`` where what it has is of no use."""
    tally, names = Tally(), []
    for pair in read_pairs(shard, tally):
        if read_picture(pair.picture, pair.ending) is not None:
            return True
        names.append(pair.name)
    if tally.passed_over[EMPTY_SHARD]:
        return False
    raise UserError(
        f"shard '{shard}' of --train-data has no picture that can be read: tried "
        f"{len(names)}, such as {', '.join(names[:4])}; expected JPEG, PNG, WebP, …"
    )
