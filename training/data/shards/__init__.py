"""Image-text pairs from WebDataset shards (CC3M and the like): tar files in which a picture and its
caption have the same name.

Members come from :mod:`members`, become pairs in :mod:`pairs`, and are shared out among processes
and workers by :mod:`source`; what is passed over on the way is counted in a :class:`Tally`.
"""

from training.data.shards.find import check_shards, find_shards
from training.data.shards.source import ShardSource, shard_batches
from training.data.tally import Tally

__all__ = [
    "ShardSource",
    "Tally",
    "check_shards",
    "find_shards",
    "shard_batches",
]
