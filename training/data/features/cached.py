"""A source of pairs whose images come with what a frozen encoder says of them.

A frozen encoder says the same of the same image each time, and it is most of what a step costs. So
a few crops of each picture are drawn once and for all, and the encoder sees each of them once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from runtime.backends.tensorrt.cache.locking import hold_lock
from runtime.cache import cache_folder, record_key
from training.data.batches import Batch, Collate
from training.data.features.store import FeatureStore
from training.data.source import Span, ViewSource

# To be counted up when the same views or features would be others.
RULES = 1
BLOCK = 64
LONGEST_WAIT_S = 24 * 3600.0


@dataclass(frozen=True)
class FrozenEncoder:
    """An image encoder that is not trained.

    Attributes:
        encode: images uint8 (b, h, w, 3) RGB -> a dataclass of tensors (b, ...).
        identity: what its answers depend on: another one, another text.
    """

    encode: Callable[[Tensor], Any]
    identity: str


class CachedFeatures:
    """Batches with :attr:`Batch.features`, read from disk.

    Args:
        source: of pairs, whose images can be numbered.
        views: crops of each picture.
        encoder: whose features are stored.
        folder: where; None: in the cache.
    """

    def __init__(
        self, source: ViewSource, views: int, encoder: FrozenEncoder, folder: str | None = None
    ) -> None:
        self.source = source
        self.views = views
        self.encoder = encoder
        root = Path(folder).expanduser() if folder else cache_folder() / "features"
        parts = {"rules": RULES, "views": views, "encoder": encoder.identity}
        self.folder = root / record_key(parts | source.identify_views())

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """As the source's, each image one of the stored views.

        Raises:
            UserError: there is no room for them.
        """
        store = self.open_store()
        for batch in self.source.viewed_batches(span, collate, self.views):
            assert batch.view_b is not None, "viewed batches say which views they have"
            yield dataclasses.replace(batch, features=store.read(batch.view_b))

    def open_store(self) -> FeatureStore:
        """The store, filled where it was not yet; of several processes one does that."""
        example = next(iter(self.source.view_images(self.views, 0, 1)))
        store = FeatureStore.for_features(
            self.folder, self.source.count_views(self.views), self._encode(example)
        )
        if store.count_filled() == store.views:
            return store
        store.check_room()
        lock = self.folder.with_name(f"{self.folder.name}.lock")
        with hold_lock(lock, wait_s=LONGEST_WAIT_S, on_wait=self._tell):
            store.fill(self._features(store.count_filled()))
        return store

    def _features(self, first: int) -> Iterator[Any]:
        for images_bhw3 in self.source.view_images(self.views, first, BLOCK):
            yield self._encode(images_bhw3)

    @torch.no_grad()
    def _encode(self, images_bhw3: Tensor) -> Any:
        return self.encoder.encode(images_bhw3)

    def _tell(self) -> None:
        tqdm.write(f"waiting for another process, which stores features in '{self.folder}'")
