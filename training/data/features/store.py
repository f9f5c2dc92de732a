"""Features of numbered views on disk: a file a tensor, float16, one view behind the other.

They are written in order, and how many are whole is written down after each block, so that an
interrupted run goes on there. Written as files and not through a memory map: a full disk is then an
error that can be told, not a signal.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from runtime.atomic_write import write_whole
from runtime.errors import MgcaError, UserError

REMEDY = "expected fewer data.cache_features, a smaller data.size_wh, or another data.cache_dir"
LARGEST = float(np.finfo(np.float16).max)
# What other files on that disk are left.
SPARE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class FeatureStore:
    """Features of one encoder of one set of views.

    Attributes:
        folder: of the files; made when the first features are written.
        views: how many there will be.
        kind: dataclass of tensors that the encoder gives, each of (b, ...); what is None of its
            fields has to be None by default.
        shapes: of each tensor of one view, by its name.
    """

    folder: Path
    views: int
    kind: type
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def for_features(cls, folder: Path, views: int, features: Any) -> FeatureStore:
        """A store for what an encoder gives.

        Args:
            folder: its own.
            views: how many there will be.
            features: of any images.

        Raises:
            TypeError: that is no dataclass of tensors, or of None, alone.
        """
        names = [part.name for part in dataclasses.fields(features)]
        tensors = {name: getattr(features, name) for name in names}
        tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        for name, tensor in tensors.items():
            if not isinstance(tensor, Tensor):
                raise TypeError(f"feature '{name}' is a {type(tensor).__name__}; expected a tensor")
        shapes = {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}
        return cls(folder, views, type(features), shapes)

    @property
    def bytes_of_view(self) -> int:
        """What one view takes."""
        return sum(2 * math.prod(shape) for shape in self.shapes.values())

    def count_filled(self) -> int:
        """How many views are stored whole, from the first on."""
        try:
            noted = int(json.loads((self.folder / "filled.json").read_bytes())["views"])
            sizes = {name: self._path(name).stat().st_size for name in self.shapes}
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        whole = [sizes[name] // (2 * math.prod(shape)) for name, shape in self.shapes.items()]
        return max(0, min(noted, self.views, *whole))

    def fill(self, features: Iterable[Any]) -> None:
        """Write what is missing.

        Args:
            features: of the views from :meth:`count_filled` on, in blocks.

        Raises:
            MgcaError: the disk became full.
        """
        first = self.count_filled()
        bar = tqdm(
            total=self.views, initial=first, desc="storing features", unit="view", disable=None
        )
        try:
            with bar:
                for block in features:
                    first += self._append(block, first)
                    bar.update(first - bar.n)
        except OSError as error:
            raise MgcaError(
                f"features cannot be stored in '{self.folder}' ({error.strerror}) after {first} of "
                f"{self.views} views, which are kept; {REMEDY}"
            ) from error

    def read(self, view_b: Tensor) -> Any:
        """The features of some views, float32.

        Args:
            view_b: int64 (b,), numbers of views that are stored.
        """
        rows = view_b.numpy()
        maps = {name: self._map(name, shape) for name, shape in self.shapes.items()}
        return self.kind(
            **{name: torch.from_numpy(stored[rows]).float() for name, stored in maps.items()}
        )

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.f16"

    def _map(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        # Mapped anew each time: what is mapped for long is counted as this process's memory.
        return np.memmap(self._path(name), np.float16, "r", shape=(self.views, *shape))

    def _append(self, block: Any, first: int) -> int:
        """Write a block behind the first views; returns how many views it has."""
        count = 0
        for name, shape in self.shapes.items():
            tensor = getattr(block, name).detach().float().clamp(-LARGEST, LARGEST)
            count = len(tensor)
            path = self._path(name)
            with path.open("r+b" if path.exists() else "wb") as file:
                file.seek(first * 2 * math.prod(shape))
                file.truncate()
                file.write(tensor.cpu().half().numpy().tobytes())
        write_whole(self.folder / "filled.json", json.dumps({"views": first + count}).encode())
        return count

    def check_room(self) -> None:
        """See that what is missing fits on the disk; makes the folder.

        Raises:
            UserError: it does not, or the folder cannot be written.
        """
        missing = self.views - self.count_filled()
        wanted = missing * self.bytes_of_view
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise UserError(
                f"features cannot be stored in '{self.folder}' ({error.strerror}); expected a "
                "folder that can be written: set data.cache_dir, or MGCA_CACHE"
            ) from None
        if wanted + SPARE_BYTES > free:
            raise UserError(
                f"features of {missing} views take {wanted / 1e9:.1f} GB, and '{self.folder}' has "
                f"{free / 1e9:.1f} GB free; {REMEDY}"
            )
