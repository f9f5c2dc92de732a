"""Which shards a pattern stands for, and whether they can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm
from webdataset.shardlists import expand_urls

from runtime.errors import UserError
from training.data.pictures import read_picture
from training.data.shards.pairs import read_pairs
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
                f"'cc3m/{{000..331}}.tar'"
            )
    return shards


def check_shards(shards: Sequence[str]) -> None:
    """See that each local shard is a tar file that begins with something to train on.

    A shard is read as far as its first usable pair.

    Raises:
        UserError: it is none, or has no usable pair.
    """
    local = [shard for shard in shards if is_local(shard)]
    for shard in tqdm(local, desc="looking into shards", delay=2, disable=None):
        tally, names = Tally(), []
        for pair in read_pairs(shard, tally):
            if read_picture(pair.picture, pair.ending) is not None:
                break
            names.append(pair.name)
        else:
            raise UserError(
                f"shard '{shard}' of --train-data has no picture that can be read: tried "
                f"{len(names)}, such as {', '.join(names[:4])}; expected JPEG, PNG, WebP, …"
            )
