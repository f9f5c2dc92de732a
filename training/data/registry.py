"""The sources of image-text pairs that a configuration can choose from.

A further source is one module that fulfils :class:`training.data.source.PairSource`, a line in
:data:`SOURCES`, and a way to ask for it in :class:`training.data.config.DataConfig`.
"""

from __future__ import annotations

from collections.abc import Callable

from training.data.config import DataConfig
from training.data.source import PairSource


def _open_captions(data: DataConfig, seed: int, rank: int, count: int) -> PairSource:
    from training.data.captioned import CaptionsSource

    return CaptionsSource(data, seed, rank, count)


def _open_shards(data: DataConfig, seed: int, rank: int, count: int) -> PairSource:
    # Imported here: generated scenes need no webdataset.
    from training.data.shards import ShardSource

    return ShardSource(data, seed, rank, count)


def _open_streetworld(data: DataConfig, seed: int, rank: int, count: int) -> PairSource:
    from training.data.generated import StreetWorldSource

    return StreetWorldSource(data, seed, rank, count)


SOURCES: dict[str, Callable[[DataConfig, int, int, int], PairSource]] = {
    "captions": _open_captions,
    "shards": _open_shards,
    "streetworld": _open_streetworld,
}


def open_source(data: DataConfig, seed: int, rank: int = 0, count: int = 1) -> PairSource:
    """The source that a configuration asks for.

    Args:
        data: the configuration.
        seed: of a run; what a source draws depends on it.
        rank: number of this process among its peers, from 0.
        count: how many processes share the data.
    """
    return SOURCES[data.source](data, seed, rank, count)
